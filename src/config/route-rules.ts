/** What routes must be to each other: reachable, told apart by name, at one with their group. */
import { MAX_ROUTES } from '../core/model/routing.ts'
import type { RouteConfig } from '../core/model/config.ts'
import { compileMatch, covers, isCatchAll } from './covers.ts'
import type { RuleView } from './rule.ts'

/** Slot 0 is the gateway's own. */
const MOST_ROUTES = MAX_ROUTES - 1
const SAFE = ['GET', 'HEAD', 'OPTIONS']

export function checkRoutes(view: RuleView): void {
  const { routes } = view.config
  if (routes.length > MOST_ROUTES) {
    view.problems.push({
      path: ['routes', MOST_ROUTES],
      message: `is route number ${routes.length}: at most ${MOST_ROUTES} are possible; join routes with globs`,
    })
    return
  }
  checkNames(view)
  checkReach(view)
  checkGroups(view)
  routes.forEach((route, index) => {
    checkStage(view, route, index)
    checkApprovals(view, route, index)
    checkSplit(view, route, index)
    if (route.force !== null && route.force.secret === null)
      view.warnings.push({
        path: ['routes', index, 'force'],
        message: 'any client can choose v2 with this header; write secret: ${NAME} to keep it to yourselves',
      })
  })
}

function checkNames(view: RuleView): void {
  const first = new Map<string, number>()
  view.config.routes.forEach(({ name }, index) => {
    const before = first.get(name)
    if (before === undefined) first.set(name, index)
    else
      view.problems.push({
        path: ['routes', index, 'name'],
        message: `${JSON.stringify(name)} is the name of routes[${before}] too; give every route a name of its own`,
      })
  })
}

function checkReach(view: RuleView): void {
  const matches = view.config.routes.map(({ match }) => compileMatch(match))
  matches.forEach((below, index) => {
    const above = matches.findIndex((match, before) => before < index && covers(match, below))
    if (above >= 0)
      view.problems.push({
        path: ['routes', index],
        message: `is never reached: routes[${above}] (${view.config.routes[above]?.name}) takes all its requests; move it above that route, or remove it`,
      })
  })
  const last = matches.length - 1
  const lastMatch = matches[last]
  if (lastMatch !== undefined && !matches.some(isCatchAll))
    view.warnings.push({
      path: ['routes', last],
      message:
        'is the last route and no catch-all: what no route matches gets 404; add { name: rest, match: { path: /** } } if v1 should answer it',
    })
}

function checkGroups(view: RuleView): void {
  const { routes } = view.config
  const first = new Map<string, number>()
  routes.forEach((route, index) => {
    const namesake = routes.findIndex(({ name, group }) => name === route.group && group !== route.group)
    if (namesake >= 0)
      view.problems.push({
        path: ['routes', index, 'group'],
        message: `"${route.group}" is also the name of routes[${namesake}], which is in the group "${routes[namesake]?.group}"; give the group another name`,
      })
    const before = first.get(route.group)
    const other = before === undefined ? undefined : routes[before]
    if (before === undefined || other === undefined) first.set(route.group, index)
    // A name given twice is said already.
    else if (other.name !== route.name)
      for (const key of ['stage', 'weight', 'ramp'] as const) checkShared(view, key, { route, index }, { route: other, index: before })
  })
}

interface Member {
  readonly route: RouteConfig
  readonly index: number
}

function checkShared(view: RuleView, key: 'stage' | 'weight' | 'ramp', member: Member, first: Member): void {
  if (!view.isKnown(['routes', first.index, key])) return
  if (JSON.stringify(member.route[key]) === JSON.stringify(first.route[key])) return
  const values = key === 'ramp' ? 'differs from that' : `is ${String(member.route[key])}, but ${String(first.route[key])} in that`
  view.problems.push({
    path: ['routes', member.index, key],
    message: `${values} of routes[${first.index}] in the same group "${first.route.group}"; routes of a group share stage, weight and ramp: write the same in all of them`,
  })
}

function checkStage(view: RuleView, route: RouteConfig, index: number): void {
  const { stage, weight } = route
  const own = view.isWritten(['routes', index, 'weight'])
  if (stage === 'complete' && weight !== 100)
    view.problems.push({
      path: ['routes', index, 'weight'],
      message: `is ${weight}, but in the stage complete all traffic goes to v2; write 100, or remove the line`,
    })
  if ((stage === 'off' || stage === 'shadow') && weight > 0 && own)
    view.warnings.push({
      path: ['routes', index, 'weight'],
      message: `has no effect in the stage ${stage}; it holds from the stage canary on`,
    })
}

function checkApprovals(view: RuleView, route: RouteConfig, index: number): void {
  if (!view.isWritten(['routes', index, 'ramp', 'approve'])) return
  route.ramp.approve.forEach((step, at) => {
    if (!route.ramp.steps.includes(step))
      view.problems.push({
        path: ['routes', index, 'ramp', 'approve', at],
        message: `${step} is not a step of this ramp; write one of ${route.ramp.steps.join(', ')}`,
      })
  })
}

/** Which bucket a write falls in decides who stores it: fine while v1 and v2 have one database, lost data otherwise. */
function checkSplit(view: RuleView, route: RouteConfig, index: number): void {
  const { methods } = route.match
  const isSafe = methods.length > 0 && methods.every((method) => SAFE.includes(method))
  if (route.stage !== 'canary' || isSafe) return
  view.warnings.push({
    path: ['routes', index],
    message:
      'its writes (POST, PUT, …) follow the bucket too, so v1 and v2 must share their data; if they do not, write match.methods: [GET] and a route for the rest',
  })
}
