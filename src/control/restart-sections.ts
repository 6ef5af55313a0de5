/**
 * Sections of the config that are read once, at the start: listeners, the admin port, the store.
 *
 * A reload that changes them says so and goes on with the rest. What is published keeps the values the
 * gateway runs with, so that no part of it believes in a port nobody listens on.
 */
import type { GatewayConfig } from '../core/model/config.ts'

const SECTIONS = ['listen', 'admin', 'store'] as const

/** The new config with the old values where only a restart can change them. */
export function pinned(config: GatewayConfig, running: GatewayConfig | null): GatewayConfig {
  return running === null ? config : { ...config, listen: running.listen, admin: running.admin, store: running.store }
}

/** One sentence for each section that a restart would change. */
export function needsRestart(config: GatewayConfig, running: GatewayConfig | null): readonly string[] {
  if (running === null) return []
  return SECTIONS.filter((section) => JSON.stringify(config[section]) !== JSON.stringify(running[section])).map(
    (section) => `${section} has changed (${changedKeys(running[section], config[section]).join(', ')}): it takes effect with a restart`,
  )
}

/** Names only: a token among the values must not reach a log. */
function changedKeys(before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before))
  const now = new Map<string, unknown>(Object.entries(after))
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => JSON.stringify(old.get(key)) !== JSON.stringify(now.get(key)))
}
