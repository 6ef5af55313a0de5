/**
 * `npm run demo`: a migration in about a minute, with the real gateway, and nothing said that was not measured.
 *
 * Two toy backends, `banyan serve` and its users run for real; the story only acts and looks, through the files,
 * the admin API and the commands that an operator has. It ends with 0 when every claim held, with 1 when one did
 * not; whichever way it ends, no process and no folder stays.
 */
import { parseArgs } from 'node:util'
import { canary } from './chapters/canary.ts'
import { ceiling } from './chapters/ceiling.ts'
import { outage } from './chapters/outage.ts'
import { rearm } from './chapters/rearm.ts'
import { reload } from './chapters/reload.ts'
import { shadow } from './chapters/shadow.ts'
import { createClaims } from './claims.ts'
import { createScreen } from './screen.ts'
import type { Screen } from './screen.ts'
import { obeyEnd } from './signals.ts'
import { tellWhatToTry } from './stay.ts'
import { summarize } from './summary.ts'
import { openTally } from './tally.ts'
import { breakGround, buildWorld, endWorld, levelGround } from './world.ts'
import type { World } from './world.ts'

const USAGE = `npm run demo [-- --stay] [-- --quick]

  --stay   leave everything running at the end, until Ctrl-C
  --quick  the same story with shorter chapters`
const QUICK_PACE = 0.25
const TICKER_MS = 200

const options = readOptions()
if (options !== null) process.exitCode = await play(options)

interface Options {
  readonly stay: boolean
  readonly quick: boolean
}

function readOptions(): Options | null {
  try {
    const { values } = parseArgs({
      options: { stay: { type: 'boolean' }, quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
    if (values.help !== true) return { stay: values.stay === true, quick: values.quick === true }
    process.stdout.write(`${USAGE}\n`)
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
    process.exitCode = 2
  }
  return null
}

/** Resolves with the exit code, when nothing runs any more. */
async function play({ stay, quick }: Options): Promise<number> {
  const startedAt = performance.now()
  const ground = breakGround()
  const end = obeyEnd(() => levelGround(ground))
  const live = process.stdout.isTTY && process.env['TERM'] !== 'dumb'
  // https://no-color.org: present and not empty, whatever the value.
  const colors = live && (process.env['NO_COLOR'] ?? '') === ''
  const screen = createScreen({ write: (text) => process.stdout.write(text), live, colors, columns: process.stdout.columns || null })
  const claims = createClaims(screen)
  let world: World | null = null
  try {
    world = await buildWorld(ground, { screen, claims, signal: end.signal, pace: quick ? QUICK_PACE : 1 })
    const hero = await Promise.race([world.gateway.broken, tell(world, startedAt)])
    if (stay) await remain(world, hero, end.signal)
  } catch (error) {
    screen.ticker(null)
    if (end.signal.aborted) return end.code()
    claims.check(`the story came to its end (${error instanceof Error ? error.message : String(error)})`, false)
    for (const line of world?.gateway.lastLines() ?? []) process.stderr.write(`  ${line}\n`)
  } finally {
    if (world !== null) await endWorld(world)
    levelGround(ground)
  }
  return claims.broken.length === 0 ? 0 : 1
}

/** The chapters in order. Resolves with the user the story followed. */
async function tell(world: World, startedAt: number): Promise<string> {
  const stopTicker = startTicker(world)
  try {
    await shadow(world)
    const hero = await canary(world)
    await outage(world, hero)
    await reload(world)
    await ceiling(world)
    await rearm(world, hero)
    stopTicker()
    await summarize(world, startedAt)
    return hero
  } finally {
    stopTicker()
  }
}

function startTicker({ screen, all }: { readonly screen: Screen; readonly all: World['all'] }): () => void {
  const startedAt = performance.now()
  const timer = setInterval(() => {
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    screen.ticker(`${seconds} s  ${all.total.toLocaleString('en-US')} requests, ${all.v2.count} by v2, ${all.errors.length} client errors`)
  }, TICKER_MS)
  return () => {
    clearInterval(timer)
    screen.ticker(null)
  }
}

/** Until Ctrl-C. Ending it then is no failure of the story. */
async function remain(world: World, hero: string, signal: AbortSignal): Promise<void> {
  const traffic = tellWhatToTry(world, hero)
  const tally = openTally(traffic)
  const asked = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
  await Promise.race([world.gateway.broken, asked])
  await traffic.stop()
  world.screen.say(`The end: ${tally.total.toLocaleString('en-US')} further requests, ${tally.errors.length} client errors.`)
}
