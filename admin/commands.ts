/** What the operator's commands print. */
import { CommandError, exitCodes, usageError } from '../cli/command-error.ts'
import { printJson, printLine, printTable } from '../cli/output.ts'
import { verifyHeads, type Verified } from '../workers/control/publication/verify.ts'
import { listEnvironments, type OperatedEnvironment } from './list-environments.ts'
import { makeRoles } from './make-roles.ts'
import { makeSigningKey } from './make-signing-key.ts'
import { operate, type Operator } from './operator.ts'
import {
  raiseEpochs,
  republish,
  type EpochOptions,
  type Raised,
  type RepublishOptions,
  type Tell,
} from './raise-environments.ts'
import { readSwitch, turnSwitch } from './switch-installation.ts'

export interface Asked {
  readonly isJson: boolean
  readonly variables: Readonly<Record<string, string | undefined>>
}

export async function status({ isJson, variables }: Asked): Promise<void> {
  const found = await operate(variables, async (operator) => ({
    installation: await readSwitch(operator),
    environments: await listEnvironments(operator.db),
  }))
  if (isJson) return printJson(found)
  const { frozenSince, comment } = found.installation
  printLine(
    frozenSince === null
      ? 'The installation publishes.'
      : `The installation is FROZEN since ${frozenSince}: ${comment ?? ''}`,
  )
  const head = ['PLACE', 'ID', 'VERSION', 'PUBLISHED', 'KEY', 'COMPILER', 'WHAT TO KNOW']
  printTable(head, found.environments.map(toCells))
}

export async function freeze(
  isFrozen: boolean,
  comment: string,
  { isJson, variables }: Asked,
): Promise<void> {
  const turned = await operate(variables, (operator) => turnSwitch(operator, { isFrozen, comment }))
  if (isJson) return printJson(turned)
  if (!turned.isTurned)
    return printLine(isFrozen ? `It is frozen since ${turned.frozenSince}.` : 'It is not frozen.')
  for (const line of isFrozen ? frozenLines : unfrozenLines) printLine(line)
}

const frozenLines = [
  'Frozen: nothing is published anywhere. Evaluation and streams go on with what they have; edits are kept, and say so.',
  'Keys that are revoked and flags that are switched off from now on go on working until it is unfrozen.',
  'A publication that was on its way may still arrive.',
]
const unfrozenLines = ['Unfrozen: what waited is published within a minute, by the sweep of control.']

export async function raiseEpoch(options: EpochOptions, asked: Asked): Promise<void> {
  await showRaised(asked, (operator, tell) => raiseEpochs(operator, options, tell))
}

export async function publishAgain(options: RepublishOptions, asked: Asked): Promise<void> {
  await showRaised(asked, (operator, tell) => republish(operator, options, tell))
}

export async function verify(environment: string | undefined, { isJson, variables }: Asked): Promise<void> {
  const verified = await operate(variables, (operator) => verifyAll(operator, environment))
  if (isJson) printJson(verified)
  else for (const line of verifiedLines(verified)) printLine(line)
  const count = countBy(verified)
  if (count('differs') > 0)
    throw new CommandError(
      exitCodes.failed,
      `${count('differs')} published versions are not what history says`,
    )
  if (count('failed') > 0)
    throw new CommandError(exitCodes.failed, `${count('failed')} published versions could not be verified`)
}

/** Before a dump is restored into a new cluster. */
export async function roles({ isJson, variables }: Asked): Promise<void> {
  const made = await operate(variables, makeRoles)
  if (isJson) return printJson(made)
  printLine(`There are now: ${made.join(', ')}. Next: the restore, then npm run migrate.`)
}

/** The private key is printed once and kept nowhere: this is how it reaches control's secrets. */
export async function signingKey({ isJson }: Pick<Asked, 'isJson'>): Promise<void> {
  const made = await makeSigningKey(new Date())
  if (isJson) return printJson(made)
  printLine(`A new signing key, ${made.kid}. The private key is shown only here. In this order:`)
  printLine('')
  printLine('1. Add this to TRUSTED_KEYS of hub, edge and control, beside the present one, and deploy them:')
  printLine(JSON.stringify(made.trustedKey))
  printLine('')
  printLine('2. Put this into the secret SIGNING_KEY of control:')
  printLine(JSON.stringify(made.signingKey))
  printLine('')
  printLine(`3. halyard admin republish --kid ${made.kid} --comment 'new signing key'`)
  printLine('   Once more, if halyard admin status still shows the old one somewhere.')
  printLine(
    '4. When halyard admin status shows it everywhere: take the old one out of TRUSTED_KEYS, and deploy.',
  )
}

function toCells(one: OperatedEnvironment): string[] {
  const notes = [
    one.isEpochRequired && 'EPOCH REQUIRED: writes are refused',
    one.frozenSince !== null && `frozen since ${one.frozenSince}`,
    one.waiting > 0 && `${one.waiting} waiting`,
    one.differing > 0 && `${one.differing} DIFFER from history`,
    one.unverified > 0 && `${one.unverified} unverified since ${one.unverifiedSince}`,
  ]
  const { version = '-', kid, compiler } = one.published ?? {}
  const heads = [version, kid ?? '-', String(compiler ?? '-')]
  return [one.place, one.environmentId, one.version, ...heads, notes.filter(Boolean).join(', ')]
}

/** Line by line as it goes; as JSON at the end, though it be of an error: what was raised stays so. */
async function showRaised(
  { isJson, variables }: Asked,
  raise: (operator: Operator, tell: Tell) => Promise<void>,
): Promise<void> {
  const raised: Raised[] = []
  const tell = (one: Raised) => {
    raised.push(one)
    if (!isJson) printLine(`${one.place}: ${one.from} -> ${one.to}`)
  }
  try {
    await operate(variables, (operator) => raise(operator, tell))
  } catch (error) {
    if (isJson && raised.length > 0) printJson(raised)
    throw error
  }
  if (isJson) return printJson(raised)
  printLine(
    raised.length === 0 ? 'Nothing had to be raised.' : 'Published within a minute, by the sweep of control.',
  )
}

async function verifyAll({ db, nowMs }: Operator, id: string | undefined): Promise<readonly Verified[]> {
  const all = await listEnvironments(db)
  const chosen = all.filter(({ environmentId }) => id === undefined || id === environmentId)
  if (chosen.length === 0 && id !== undefined) throw usageError(`there is no environment ${id}`)
  const verified: Verified[] = []
  for (const { orgId, environmentId } of chosen)
    verified.push(...(await verifyHeads(db, { nowMs, scope: { orgId, environmentId } }))) // oxlint-disable-line no-await-in-loop -- one snapshot in memory at a time
  return verified
}

function verifiedLines(verified: readonly Verified[]): readonly string[] {
  const count = countBy(verified)
  const lines = verified.flatMap(({ environmentId, token, outcome, detail = '' }) => {
    if (outcome === 'differs') return [`${environmentId} ${token} DIFFERS: ${detail}`]
    return outcome === 'failed' ? [`${environmentId} ${token} could not be verified: ${detail}`] : []
  })
  return [
    ...lines,
    `${verified.length} published versions: ${count('same')} the same, ${count('same_decisions')} the same decisions, ${count('unknown')} of a compiler that cannot be compared, ${count('differs')} differ`,
  ]
}

function countBy(verified: readonly Verified[]) {
  return (outcome: Verified['outcome']) => verified.filter((one) => one.outcome === outcome).length
}
