import type { Command } from 'commander'
import { addCommand, withExamples } from '../options.ts'

interface Commented {
  readonly comment: string
}

interface Chosen extends Commented {
  readonly environment?: string
  readonly all?: boolean
  readonly kid?: string
}

const notes = `
These speak to the database and not to the API: as its owner, named by MIGRATION_DATABASE_URL or DATABASE_URL; without
either, to that of the local stack.`

/** The commands of whoever operates an installation. */
export function addAdmin(program: Command): void {
  const admin = addCommand(program, 'admin', {
    does: "the operator's commands, on the database itself",
    examples: ['halyard admin status', 'halyard admin verify --json'],
  }).addHelpText('after', notes)
  addCommand(admin, 'status', {
    does: 'every environment: what is published, by which key and compiler, and what is wrong',
    examples: ['halyard admin status', 'halyard admin status --json'],
  }).action(async (_options: object, command: Command) => (await load()).status(asked(command)))
  addSwitch(admin, 'freeze', 'stop publishing everywhere, key revocations included; edits are kept')
  addSwitch(admin, 'unfreeze', 'publish again')
  const epoch = commented(
    admin,
    'epoch',
    'after the database was restored: let it publish over what is newer at the hub',
  )
  withExamples(epoch, ['halyard admin epoch --all --comment "restored to noon"'])
    .option('--environment <id>', 'of this environment')
    .option('--all', 'of every environment')
    .action(async (options: Chosen, command: Command) => (await load()).raiseEpoch(options, asked(command)))
  const republish = commented(
    admin,
    'republish',
    'publish again, under the next version, what an older compiler published last',
  )
  withExamples(republish, ['halyard admin republish --kid 2026-a --comment "a new signing key"'])
    .option('--kid <id>', 'and what another signing key than this one signed last')
    .option('--environment <id>', 'of this environment only')
    .option('--all', 'also what is up to date')
    .action(async (options: Chosen, command: Command) => (await load()).publishAgain(options, asked(command)))
  addCommand(admin, 'verify', {
    does: 'compile every published version again from history, and compare',
    examples: ['halyard admin verify', 'halyard admin verify --environment env_01jd3c5k2v8q7w4n0x6t9b1m2r'],
  })
    .option('--environment <id>', 'of this environment only')
    .action(async ({ environment }: Partial<Chosen>, command: Command) =>
      (await load()).verify(environment, asked(command)),
    )
  addCommand(admin, 'roles', {
    does: 'make the roles that a dump needs, before it is restored into a new cluster',
    examples: ['halyard admin roles'],
  }).action(async (_options: object, command: Command) => (await load()).roles(asked(command)))
  addCommand(admin, 'signing-key', {
    does: 'make a new signing key, and say what goes where',
    examples: ['halyard admin signing-key'],
  }).action(async (_options: object, command: Command) => (await load()).signingKey(asked(command)))
}

const load = async () => await import('../../admin/commands.ts')

function addSwitch(admin: Command, name: 'freeze' | 'unfreeze', what: string): void {
  const switched = commented(admin, name, what)
  withExamples(switched, [`halyard admin ${name} --comment "incident 7"`]).action(
    async ({ comment }: Commented, command: Command) =>
      (await load()).freeze(name === 'freeze', comment, asked(command)),
  )
}

function commented(admin: Command, name: string, what: string): Command {
  return admin.command(name).description(what).requiredOption('--comment <text>', 'why, for the audit')
}

function asked(command: Command) {
  const { json = false } = command.optsWithGlobals<{ readonly json?: boolean }>()
  return { isJson: json, variables: process.env }
}
