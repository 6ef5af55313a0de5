/** The version of this program, as its package says. */
import { readFileSync } from 'node:fs'

/** Two folders up from src/cli and from dist/cli alike. */
const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

export const VERSION = manifest !== null && typeof manifest === 'object' && 'version' in manifest ? String(manifest.version) : '0.0.0'
