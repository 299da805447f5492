import type { Command } from 'commander'

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
  const admin = program
    .command('admin')
    .description("the operator's commands, on the database itself")
    .addHelpText('after', notes)
  admin
    .command('status')
    .description('every environment: what is published, by which key and compiler, and what is wrong')
    .action(async (_options: object, command: Command) => (await load()).status(asked(command)))
  addSwitch(admin, 'freeze', 'stop publishing everywhere, key revocations included; edits are kept')
  addSwitch(admin, 'unfreeze', 'publish again')
  commented(admin, 'epoch', 'after the database was restored: let it publish over what is newer at the hub')
    .option('--environment <id>', 'of this environment')
    .option('--all', 'of every environment')
    .action(async (options: Chosen, command: Command) => (await load()).raiseEpoch(options, asked(command)))
  commented(
    admin,
    'republish',
    'publish again, under the next version, what an older compiler published last',
  )
    .option('--kid <id>', 'and what another signing key than this one signed last')
    .option('--environment <id>', 'of this environment only')
    .option('--all', 'also what is up to date')
    .action(async (options: Chosen, command: Command) => (await load()).publishAgain(options, asked(command)))
  admin
    .command('verify')
    .description('compile every published version again from history, and compare')
    .option('--environment <id>', 'of this environment only')
    .action(async ({ environment }: Partial<Chosen>, command: Command) =>
      (await load()).verify(environment, asked(command)),
    )
  admin
    .command('roles')
    .description('make the roles that a dump needs, before it is restored into a new cluster')
    .action(async (_options: object, command: Command) => (await load()).roles(asked(command)))
  admin
    .command('signing-key')
    .description('make a new signing key, and say what goes where')
    .action(async (_options: object, command: Command) => (await load()).signingKey(asked(command)))
}

const load = async () => await import('../../admin/commands.ts')

function addSwitch(admin: Command, name: 'freeze' | 'unfreeze', what: string): void {
  commented(admin, name, what).action(async ({ comment }: Commented, command: Command) =>
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
