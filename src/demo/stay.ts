/** `--stay`: everything goes on, and the terminal says what to try. */
import { join } from 'node:path'
import { startTraffic } from './traffic.ts'
import type { Traffic } from './traffic.ts'
import type { World } from './world.ts'

/** Less than in the story: it may run all day. */
const PER_SECOND = 50

/** Starts users again, and says where everything is. */
export function tellWhatToTry(world: World, hero: string): Traffic {
  const { screen, gateway, v1, v2, configMap, wishes } = world
  screen.chapter('It stays: try it')
  screen.block([
    `gateway   ${gateway.url}   (${PER_SECOND} requests a second go on)`,
    `admin     ${gateway.admin}   /api/v1/status  /metrics  /readyz`,
    `v1, v2    ${v1.url}, ${v2.url} (process ${v2.pid()})`,
    `config    ${configMap.folder}`,
    `log       ${gateway.logFile}`,
    '',
    `export BANYAN_ADMIN=${gateway.admin}`,
    ...explained([
      ['npx banyan status -w', 'what runs, watched'],
      [`npx banyan explain orders --header 'x-user-id: ${hero}'`, ''],
      [`curl -i -H 'x-user-id: ${hero}' ${gateway.url}/api/orders/1017`, ''],
      ['npx banyan diffs; npx banyan audit', ''],
      ['npx banyan rollback orders', 'to zero at once, latched'],
      ['npx banyan rearm orders --to 10 --reason "played"', 'and back'],
      [`curl -X PUT -d 2.2 ${v2.url}/toy/release`, 'v2 breaks; 2.1 repairs it, 2.0 miscounts'],
      [`kill -9 ${v2.pid()}`, 'v2 is dead'],
      [`echo 0 > ${join(configMap.folder, 'v2_traffic_percentage')}`, ''],
    ]),
    '',
    'Ctrl-C ends everything and cleans up.',
  ])
  return startTraffic({ url: gateway.url, perSecond: PER_SECOND, debugSecret: wishes.debugSecret })
}

function explained(commands: readonly (readonly [command: string, what: string])[]): string[] {
  const width = Math.max(...commands.map(([command, what]) => (what === '' ? 0 : command.length)))
  return commands.map(([command, what]) => `${command.padEnd(width)}  ${what}`.trimEnd())
}
