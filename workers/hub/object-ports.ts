import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { HubEnv } from './env.ts'
import type { ObjectPorts } from './hub-ports.ts'

/** What the platform gives to either kind of object. */
export function objectPorts({ storage }: DurableObjectState, env: HubEnv): ObjectPorts {
  return {
    sql: storage.sql,
    transactionSync: (work) => storage.transactionSync(work),
    now: () => Date.now(),
    verify: makeHeadVerifier(parseTrustedKeys(env.TRUSTED_KEYS)),
    hash: sha256Hex,
    setAlarm: async (at) => await (at === null ? storage.deleteAlarm() : storage.setAlarm(at)),
    report: (what, details) => console.error(what, details),
  }
}
