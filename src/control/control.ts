/**
 * Control's parts joined: config → commands → state → words → snapshot, ledger → judge → commands.
 *
 * Everything it needs from other parts of the gateway (store, log, alerts, main) arrives as an argument, so
 * the loop runs in a test as it runs in its thread. It starts from what outlived its predecessor: the store,
 * the notes and the words; a lowering that only the words remember is submitted again before anything else.
 */
import { initialState, isRefusal } from '../core/control/state.ts'
import type { AuditEntry, Command, ControlState, Refusal } from '../core/model/control.ts'
import type { Finding, Sample } from '../core/model/finding.ts'
import type { ConfigInForce, ControlStart, FromMain, ToMain } from '../core/model/messages.ts'
import { GATEWAY_SLOT } from '../core/model/routing.ts'
import { createReader } from '../ledger/reader.ts'
import { announce } from './announce.ts'
import type { AlertSink, ControlLog } from './announce.ts'
import { createBanks } from './banks.ts'
import { createBoard } from './board.ts'
import { createExplainer } from './explaining.ts'
import type { Explainer } from './explaining.ts'
import { createHolder } from './holder.ts'
import type { Change, Submitted } from './holder.ts'
import { createJudging } from './judging.ts'
import { lostLowerings } from './lost-lowerings.ts'
import { openNotes } from './notes.ts'
import { createPeers } from './peers.ts'
import { createProbes } from './probes.ts'
import { createPublisher } from './publisher.ts'
import { createRecent } from './recent.ts'
import { createReload } from './reload.ts'
import type { ReadConfig } from './reload.ts'
import { createResolver } from './resolver.ts'
import { createRollbacks, latchesSet } from './rollbacks.ts'
import { publishedPart } from './routes-in-force.ts'
import { createSaver } from './saver.ts'
import type { ControlStore, Loaded } from './store.ts'
import { createView } from './view.ts'
import type { ParsedConfig, View } from './view.ts'
import { openWords } from './words.ts'
