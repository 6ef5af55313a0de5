/**
 * What a panel is, as data, and the words its queries are made of.
 *
 * Everything is summed over pods; states and weights, which are the same in all of them, take the highest
 * (or, where low is bad, the lowest).
 */
export interface Query {
  readonly expr: string
  readonly legend: string
}

export interface Panel {
  readonly title: string
  readonly about: string
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly width: number
  readonly queries: readonly Query[]
  readonly shape:
    | { readonly kind: 'lines'; readonly stacked?: boolean }
    /** Steps: what changes by decision, not by measurement. */
    | { readonly kind: 'steps' }
    | { readonly kind: 'bars' }
    /** The last value, and over time; words stand for the numbers that have one. */
    | { readonly kind: 'number'; readonly words: readonly Word[]; readonly redFrom?: number }
    | { readonly kind: 'states'; readonly words: readonly Word[] }
}

export interface Word {
  readonly value: number
  readonly text: string
  readonly color: 'green' | 'blue' | 'yellow' | 'orange' | 'red' | 'text'
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

/** Of the gateway, and of the chosen routes. */
export const GATEWAY = 'job=~"$job"'
export const ROUTES = `${GATEWAY},route=~"$route"`

export function rate(metric: string, matchers: string): string {
  return `rate(${metric}{${matchers}}[$__rate_interval])`
}

export function q(expr: string, legend: string): Query {
  return { expr, legend }
}
