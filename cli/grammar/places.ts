import { Option, type Command } from 'commander'
import type { CreateOptions, UpdateOptions } from '../commands/environments.ts'
import type { FreezeOptions } from '../commands/freeze.ts'
import type { CreateOptions as ProjectOptions } from '../commands/projects.ts'
import {
  addCommand,
  collect,
  settingsOf,
  withComment,
  withWrite,
  withYes,
  type CommentOption,
  type WriteOptions,
} from '../options.ts'

const loadProjects = async () => await import('../commands/projects.ts')
const loadEnvironments = async () => await import('../commands/environments.ts')
const loadFreeze = async () => await import('../commands/freeze.ts')

export function addProjects(program: Command): void {
  const projects = addCommand(program, 'projects', {
    does: 'the projects of an organization',
    examples: ['halyard projects list', 'halyard projects create web'],
  })
  addCommand(projects, 'list', {
    does: 'every project',
    examples: ['halyard projects list', 'halyard projects list --json'],
  }).action(async (_options: object, command: Command) =>
    (await loadProjects()).listProjects(settingsOf(command)),
  )
  addCommand(projects, 'get <key>', { does: 'one project', examples: ['halyard projects get web'] }).action(
    async (key: string, _options: object, command: Command) =>
      (await loadProjects()).getProject(key, settingsOf(command)),
  )
  const create = addCommand(projects, 'create <key>', {
    does: 'create a project with its environments',
    examples: [
      'halyard projects create web',
      'halyard projects create web --environment test --environment live --protect live',
    ],
  })
    .option('--name <text>', 'a name for people')
    .option('--environment <key>', 'once for each; development, staging and production if left out', collect)
    .option('--protect <key>', 'an environment of --environment to protect, once for each', collect)
  withComment(create).action(async (key: string, options: ProjectOptions, command: Command) =>
    (await loadProjects()).createProject(key, options, settingsOf(command)),
  )
  const rename = addCommand(projects, 'rename <key> <name>', {
    does: 'give a project another name; its key stays',
    examples: ['halyard projects rename web "Web shop"'],
  })
  withComment(rename).action(
    async (key: string, name: string, { comment }: CommentOption, command: Command) =>
      (await loadProjects()).renameProject(key, name, {
        ...(comment !== undefined && { comment }),
        settings: settingsOf(command),
      }),
  )
}

/** Gives the `envs` command, for whoever adds to it. */
export function addEnvironments(program: Command): Command {
  const envs = addCommand(program, 'envs', {
    does: 'the environments of a project',
    examples: ['halyard envs list', 'halyard envs update production --protect'],
  })
  addCommand(envs, 'list', {
    does: 'every environment, and whether all is published',
    examples: ['halyard envs list', 'halyard envs list --json'],
  }).action(async (_options: object, command: Command) =>
    (await loadEnvironments()).listEnvironments(settingsOf(command)),
  )
  addCommand(envs, 'get <name>', {
    does: 'one environment',
    examples: ['halyard envs get production'],
  }).action(async (name: string, _options: object, command: Command) =>
    (await loadEnvironments()).getEnvironment(name, settingsOf(command)),
  )
  const create = addCommand(envs, 'create <name>', {
    does: 'create an environment; every flag starts switched off in it',
    examples: ['halyard envs create preview', 'halyard envs create live --name Live --protected'],
  })
    .option('--name <text>', 'a name for people')
    .option('--protected', 'ask before each write')
  withComment(create).action(async (name: string, options: CreateOptions, command: Command) =>
    (await loadEnvironments()).createEnvironment(name, options, settingsOf(command)),
  )
  const update = addCommand(envs, 'update <name>', {
    does: 'rename, protect or unprotect an environment',
    examples: [
      'halyard envs update production --protect',
      'halyard envs update production --name Live --yes',
    ],
  })
    .option('--name <text>', 'a name for people; its key stays')
    .addOption(new Option('--protect', 'ask before each write').conflicts('unprotect'))
    .option('--unprotect', 'ask no longer')
  withWrite(update).action(async (name: string, options: UpdateOptions, command: Command) =>
    (await loadEnvironments()).updateEnvironment(name, options, settingsOf(command)),
  )
  addFreeze(envs, '<name>')
  return envs
}

/** `freeze` and `unfreeze`: also beside `envs`, for the environment of --env, as it may have to be done fast. */
export function addFreeze(parent: Command, argument: '<name>' | '[name]'): void {
  const start = parent.name() === 'envs' ? 'halyard envs' : 'halyard'
  const freeze = addCommand(parent, `freeze ${argument}`, {
    does: 'stop the publishing of an environment: edits wait, and so do kill switches and revocations',
    examples: [`${start} freeze production --comment "incident 7"`],
  }).requiredOption('--comment <text>', 'why; shown to whoever finds it frozen')
  withYes(freeze).action(async (name: string | undefined, options: FreezeOptions, command: Command) =>
    (await loadFreeze()).freeze(name, options, settingsOf(command)),
  )
  const unfreeze = addCommand(parent, `unfreeze ${argument}`, {
    does: 'publish an environment again, at once also what waited',
    examples: [`${start} unfreeze production`],
  })
  withWrite(unfreeze).action(async (name: string | undefined, options: WriteOptions, command: Command) =>
    (await loadFreeze()).unfreeze(name, options, settingsOf(command)),
  )
}
