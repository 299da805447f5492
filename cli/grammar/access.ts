import { Argument, Option, type Command } from 'commander'
import type { AuditOptions } from '../commands/audit.ts'
import type { CreateOptions } from '../commands/keys.ts'
import { addCommand, collect, settingsOf, withWrite, withYes, type WriteOptions } from '../options.ts'

const loadKeys = async () => await import('../commands/keys.ts')
const loadAudit = async () => await import('../commands/audit.ts')

export function addAccess(program: Command): void {
  addKeys(program)
  addCommand(program, 'audit', {
    does: 'the newest changes of the project: who did what, when and why',
    examples: [
      'halyard audit',
      'halyard audit --flag new-checkout --limit 100',
      'halyard audit --all --json',
    ],
  })
    .option('--flag <key>', 'of this flag')
    .option('--limit <number>', 'how many; 20 if left out')
    .option('--all', 'of the whole organization')
    .action(async (options: AuditOptions, command: Command) =>
      (await loadAudit()).listAudit(options, settingsOf(command)),
    )
  addCommand(program, 'whoami', {
    does: 'what the token may reach, and where it comes from',
    examples: ['halyard whoami', 'halyard whoami --profile work --json'],
  }).action(async (_options: object, command: Command) => (await loadAudit()).whoami(settingsOf(command)))
}

function addKeys(program: Command): void {
  const keys = addCommand(program, 'keys', {
    does: 'the API keys of a project',
    examples: ['halyard keys list', 'halyard keys create server --name backend --env production'],
  })
  addCommand(keys, 'list', {
    does: 'every key, without its secret',
    examples: ['halyard keys list', 'halyard keys list --json'],
  }).action(async (_options: object, command: Command) => (await loadKeys()).listKeys(settingsOf(command)))
  const create = addCommand(keys, 'create', {
    does: 'make a key; its secret is shown this once',
    examples: [
      'halyard keys create server --name backend --env production',
      'halyard keys create client --name shop --origin https://shop.example --env production',
      'halyard keys create management --name ci --role editor --expires 52w',
    ],
  })
    .addArgument(
      new Argument('<class>', 'of what reads flags, or changes them').choices([
        'server',
        'client',
        'management',
      ]),
    )
    .requiredOption('--name <text>', 'what it is for')
    .option(
      '--origin <url>',
      'a client key: the pages that may use it, once for each; all if left out',
      collect,
    )
    .addOption(
      new Option('--role <role>', 'a management key: what it may do').choices(['viewer', 'editor', 'admin']),
    )
    .option('--expires <time>', 'a time, or so long from now, such as 90d; never if left out')
  withWrite(create).action(
    async (kind: 'server' | 'client' | 'management', options: CreateOptions, command: Command) =>
      (await loadKeys()).createKey(kind, options, settingsOf(command)),
  )
  const revoke = addCommand(keys, 'revoke <id>', {
    does: 'shut out whoever holds a key, within seconds',
    examples: ['halyard keys revoke key_01jd3c5k2v8q7w4n0x6t9b1m2r'],
  })
  withYes(revoke).action(async (id: string, options: WriteOptions, command: Command) =>
    (await loadKeys()).revokeKey(id, options, settingsOf(command)),
  )
}
