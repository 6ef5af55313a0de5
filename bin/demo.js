#!/usr/bin/env node
/** `npm run demo`: the story of a migration, on any Node from 20 on. */
import { start } from './pinned-node.js'

await start(import.meta.url, 'demo/main')
