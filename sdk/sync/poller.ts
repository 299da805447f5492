/**
 * The second path, which shares nothing with streams: `GET /v1/ruleset`. It is taken when nothing has confirmed what is
 * held for a while, whatever the reason, and when a stream told of a version that it did not bring.
 */
import { compareVersions, formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { makeBackOff, type BackOff } from './back-off.ts'
import { confirm } from './freshness.ts'
import type { RulesetAnswer, RulesetAsk } from './reader-ports.ts'
import { refusesKey, type ReaderState } from './reader-state.ts'
import { readHead, takeDelta, takeSnapshot, type Taken } from './replica.ts'

export interface Poller {
  readonly reader: ReaderState
  readonly backOff: BackOff
  /** The newest version known of and not held. */
  target: Version | null
  /** Deltas were of no use: the whole is to be asked for. */
  wantsWhole: boolean
  isAsking: boolean
  /** No question before this moment, unless something is wanted. */
  notBefore: number
  /** After failures: no question before this moment at all. */
  barredUntil: number
  cancelTimer: (() => void) | null
}

/** A reader that has nothing waits so long for its stream before it polls. */
const coldDelayMs = 1_000
/** A reader whose copy was not confirmed for so long polls, and again after each such interval. */
const intervalMs = 20_000
const jitterMs = 4_000
/** A location that was not asked for long answers from what it has, and looks for newer behind the answer. */
const youngMs = 10_000
const timeoutMs = 10_000
const retryMs = { first: 1_000, last: 30_000 }

export function startPoller(reader: ReaderState): Poller {
  const { steadyNow, random } = reader.ports
  const poller: Poller = {
    reader,
    backOff: makeBackOff(retryMs.first, retryMs.last, random),
    target: null,
    wantsWhole: false,
    isAsking: false,
    notBefore: steadyNow() + coldDelayMs,
    barredUntil: -Infinity,
    cancelTimer: null,
  }
  schedule(poller)
  return poller
}

/** There is a version that is not held. `whole`: what was sent of it was of no use. */
export function want(poller: Poller, target: Version, how: 'any' | 'whole'): void {
  if (how === 'whole') poller.wantsWhole = true
  if (!poller.target || compareVersions(target, poller.target) > 0) poller.target = target
  schedule(poller)
}

/** The stream failed: a reader that has nothing does not wait for it any longer. */
export function hurry(poller: Poller): void {
  const { ports, replica } = poller.reader
  if (replica.copy) return
  poller.notBefore = Math.min(poller.notBefore, ports.steadyNow() + ports.random() * coldDelayMs)
  schedule(poller)
}

export function stopPoller(poller: Poller): void {
  poller.cancelTimer?.()
  poller.cancelTimer = null
}

function schedule(poller: Poller): void {
  stopPoller(poller)
  const { reader } = poller
  if (poller.isAsking || reader.phase !== 'open') return
  const waitMs = Math.max(0, dueAt(poller) - reader.ports.steadyNow())
  poller.cancelTimer = reader.ports.setTimer(waitMs, () => {
    poller.cancelTimer = null
    // The stream may have confirmed what is held meanwhile.
    if (dueAt(poller) <= reader.ports.steadyNow()) void poll(poller)
    else schedule(poller)
  })
}

function dueAt({ reader, target, wantsWhole, notBefore, barredUntil }: Poller): number {
  if (target || wantsWhole) return barredUntil
  const confirmedUntil = reader.replica.copy ? reader.freshness.confirmedAt + intervalMs : -Infinity
  return Math.max(barredUntil, notBefore, confirmedUntil)
}

/** One question. Never rejects. */
async function poll(poller: Poller): Promise<void> {
  const { reader } = poller
  const { ports } = reader
  poller.isAsking = true
  const askedAt = ports.steadyNow()
  const isWhole = poller.wantsWhole
  const answer = await ask(poller)
  const taken =
    reader.phase === 'open' && answer.kind === 'ruleset' ? await take(reader, answer, askedAt) : null
  poller.isAsking = false
  if (answer.kind === 'ruleset') reader.accept()
  else if (refusesKey(answer.status)) return reader.refuse(answer.reason)
  else reader.error = answer.reason
  const held = reader.replica.copy?.head
  if (poller.target && held && compareVersions(poller.target, held) <= 0) poller.target = null
  if (taken === 'held') poller.wantsWhole = false
  if (taken === 'held' && !poller.target && isYoung(answer)) {
    poller.backOff.reset()
    poller.notBefore = ports.steadyNow() + intervalMs + ports.random() * jitterMs
  } else if (taken === 'unfit' && !isWhole) poller.wantsWhole = true
  else poller.barredUntil = ports.steadyNow() + poller.backOff.next(retryAfterOf(answer))
  schedule(poller)
  reader.touch()
}

async function ask({ reader, target, wantsWhole }: Poller): Promise<RulesetAnswer> {
  const { ports, replica } = reader
  const question: RulesetAsk = {
    ...(replica.copy && !wantsWhole && { since: replica.copy.token }),
    ...(target && { minVersion: formatVersion(target) }),
  }
  return await new Promise((resolve) => {
    const fail = (reason: string) => resolve({ kind: 'failed', reason })
    const cancel = ports.setTimer(timeoutMs, () => fail('no answer in time'))
    ports
      .fetchRuleset(question)
      // The stream, or the next try, may bring it.
      .then(resolve, (cause: unknown) => fail(String(cause)))
      .finally(cancel)
  })
}

/** `held`: it is what is held now, or older. */
async function take(
  { replica, freshness, ports }: ReaderState,
  { signedHead, content, ageMs }: Extract<RulesetAnswer, { kind: 'ruleset' }>,
  askedAt: number,
): Promise<Exclude<Taken, 'swapped'>> {
  if ('body' in content) {
    const taken = await takeSnapshot(replica, { signedHead, body: content.body, origin: 'poll' }, ports)
    if (taken === 'refused' || taken === 'unfit') return taken
  } else {
    /* oxlint-disable no-await-in-loop -- each starts from the result of the one before */
    for (const delta of content.deltas) {
      const taken = await takeDelta(replica, { ...delta, origin: 'poll' }, ports)
      if (taken === 'refused' || taken === 'unfit') return taken
    }
    /* oxlint-enable no-await-in-loop */
  }
  const head = await readHead(replica, signedHead, ports)
  if (!head) return 'refused'
  const order = replica.copy ? compareVersions(head, replica.copy.head) : 1
  if (order > 0) return 'unfit'
  if (order === 0) freshness.isSeen = true
  // Whole seconds are rounded down: the confirmation may be older by almost one.
  if (order === 0 && ageMs !== null) confirm(freshness, askedAt - ageMs - 1_000)
  return 'held'
}

function isYoung(answer: RulesetAnswer): boolean {
  return answer.kind === 'ruleset' && answer.ageMs !== null && answer.ageMs <= youngMs
}

function retryAfterOf(answer: RulesetAnswer): number {
  return answer.kind === 'failed' ? (answer.retryAfterMs ?? 0) : 0
}
