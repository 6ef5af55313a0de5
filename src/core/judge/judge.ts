/**
 * All routes' judges, and what they share: the threshold.
 *
 * Looking at more streams means more false alarms, so the threshold grows with the logarithm of the routes
 * judged. exp(18) slices of a second are two years: no stream exactly at its limit trips more often than that
 * on average, and a sound one far less often. It bounds a rate; it is no error probability spent once.
 */
import type { RouteConfig } from '../model/config.ts'
import type { JudgedRoute, RouteJudge } from './route.ts'
import { createRouteJudge } from './route.ts'

const BASE_LOG_E = 18

export interface Judge {
  readonly threshold: number
  route(name: string): RouteJudge | null
  /** Adopts a changed list. A route whose limits stayed keeps its evidence: a reload is no amnesty. */
  reload(routes: readonly JudgedRoute[]): void
}

export function createJudge({ routes }: { readonly routes: readonly JudgedRoute[] }): Judge {
  let judges = new Map<string, RouteJudge>()
  const threshold = (): number => BASE_LOG_E + Math.log(Math.max(1, judges.size))
  const reload = (next: readonly JudgedRoute[]): void => {
    judges = new Map(
      next.map((route) => {
        const known = judges.get(route.name)
        return [route.name, known !== undefined && same(known.route, route) ? known : createRouteJudge(route, threshold)]
      }),
    )
  }
  reload(routes)
  return {
    get threshold() {
      return threshold()
    },
    route: (name) => judges.get(name) ?? null,
    reload,
  }
}

const SAFE = ['GET', 'HEAD', 'OPTIONS']

/** What the judge needs of a route's config. */
export function judgedRoute({ name, match, health }: Pick<RouteConfig, 'name' | 'match' | 'health'>): JudgedRoute {
  // A failed write cannot be taken back: where every request is one, nothing is waited for.
  const unsafe = match.methods.length > 0 && !match.methods.some((method) => SAFE.includes(method))
  return {
    name,
    errorLimit: health.errorRate.max / 100,
    minRequests: health.minRequests,
    sustainMs: unsafe ? 0 : health.sustainMs,
  }
}

function same(one: JudgedRoute, other: JudgedRoute): boolean {
  return one.errorLimit === other.errorLimit && one.minRequests === other.minRequests && one.sustainMs === other.sustainMs
}
