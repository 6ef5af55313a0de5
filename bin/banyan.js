#!/usr/bin/env node
/** The program, on any Node from 20 on. */
import { start } from './pinned-node.js'

await start(import.meta.url, 'main')
