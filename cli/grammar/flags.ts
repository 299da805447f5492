import { Option, type Command } from 'commander'
import type { CreateOptions, UpdateOptions } from '../commands/flag-definitions.ts'
import type { OverrideOptions, RolloutOptions, RulesOptions, ToggleOptions } from '../commands/flag-states.ts'
import type { ListOptions } from '../commands/flags.ts'
import {
  addCommand,
  collect,
  settingsOf,
  withComment,
  withWrite,
  withYes,
  type WriteOptions,
} from '../options.ts'

const kinds = ['release', 'experiment', 'operational', 'permission']

// Commands load what they need when they run: zod alone takes longer than the rest.
const loadFlags = async () => await import('../commands/flags.ts')
const loadDefinitions = async () => await import('../commands/flag-definitions.ts')
const loadStates = async () => await import('../commands/flag-states.ts')

export function addFlags(program: Command): void {
  const flags = addCommand(program, 'flags', {
    does: 'the flags of a project',
    examples: [
      'halyard flags list --env production',
      'halyard flags toggle new-checkout --on --env production',
    ],
  })
  addReading(flags)
  addDefinitions(flags)
  addToggle(flags)
  addRollout(flags)
  addOverride(flags)
  addRules(flags)
}

/** `rollout` and `override`, which are also commands of `flags`. */
export function addShortCuts(program: Command): void {
  addRollout(program)
  addOverride(program)
}

function addReading(flags: Command): void {
  addCommand(flags, 'list', {
    does: 'every flag, with its state in an environment',
    examples: [
      'halyard flags list --env production',
      'halyard flags list --tag checkout --text banner --json',
    ],
  })
    .option('--tag <tag>', 'those with a tag')
    .option('--text <text>', 'those with a text in their key, name or description')
    .addOption(new Option('--kind <kind>', 'those of a kind').choices(kinds))
    .option('--archived', 'the archived ones instead')
    .action(async (options: ListOptions, command: Command) =>
      (await loadFlags()).listFlags(options, settingsOf(command)),
    )
  addCommand(flags, 'get <key>', {
    does: 'a flag, with its state in an environment',
    examples: ['halyard flags get new-checkout --env production'],
  }).action(async (key: string, _options: object, command: Command) =>
    (await loadFlags()).getFlag(key, settingsOf(command)),
  )
}

function addDefinitions(flags: Command): void {
  const create = addCommand(flags, 'create <key>', {
    does: 'create a flag; it starts switched off in every environment',
    examples: [
      'halyard flags create new-checkout --name "New checkout" --client-visible',
      'halyard flags create theme --type string --variant light=light --variant dark=dark',
    ],
  })
  create.addOption(
    new Option('--type <type>', 'boolean if left out').choices(['boolean', 'string', 'number', 'json']),
  )
  withComment(withDefinition(create)).action(async (key: string, options: CreateOptions, command: Command) =>
    (await loadDefinitions()).createFlag(key, options, settingsOf(command)),
  )
  const update = addCommand(flags, 'update <key>', {
    does: 'change what a flag is in every environment',
    examples: [
      'halyard flags update new-checkout --owner team-payments --tags checkout,q3',
      'halyard flags update new-checkout --expires 30d --on-expiry on',
      'halyard flags update theme --variant blue=blue --remove-variant dark',
    ],
  }).option('--remove-variant <key>', 'a variant to take away, once for each', collect)
  withWrite(withDefinition(update)).action(async (key: string, options: UpdateOptions, command: Command) =>
    (await loadDefinitions()).updateFlag(key, options, settingsOf(command)),
  )
  const archive = addCommand(flags, 'archive <key>', {
    does: 'archive a flag: readers no longer find it; its key and state are kept',
    examples: ['halyard flags archive old-banner'],
  })
  withYes(archive).action(async (key: string, options: WriteOptions, command: Command) =>
    (await loadDefinitions()).archiveFlag(key, options, settingsOf(command)),
  )
  const restore = addCommand(flags, 'restore <key>', {
    does: 'restore an archived flag, as it was',
    examples: ['halyard flags restore old-banner'],
  })
  withWrite(restore).action(async (key: string, options: WriteOptions, command: Command) =>
    (await loadDefinitions()).restoreFlag(key, options, settingsOf(command)),
  )
}

function addToggle(flags: Command): void {
  const toggle = addCommand(flags, 'toggle <key>', {
    does: 'switch a flag on or off in an environment; to the other state if neither is said',
    examples: [
      'halyard flags toggle new-checkout --on --env staging',
      'halyard flags toggle new-checkout --off --env production --yes --comment "incident 7"',
    ],
  })
    .addOption(new Option('--on', 'switch it on').conflicts('off'))
    .addOption(new Option('--off', 'switch it off'))
  withWrite(toggle).action(async (key: string, options: ToggleOptions, command: Command) =>
    (await loadStates()).toggleFlag(key, options, settingsOf(command)),
  )
}

function addRollout(parent: Command): void {
  const command = nameOf(parent, 'rollout')
  const rollout = addCommand(parent, 'rollout <key>', {
    does: 'serve a variant to a share, from now on or widening in steps',
    examples: [
      `${command} new-checkout --variant on --percent 20 --env production`,
      `${command} new-checkout --variant on --percent 5 --widen-to 100 --over 7d --steps 7`,
      `${command} new-checkout --variant on --percent 50 --rule beta --by companyId`,
    ],
  })
    .requiredOption('--variant <key>', 'who gets more of what')
    .requiredOption('--percent <number>', 'its share from now on')
    .option('--otherwise <key>', 'what the others get; needed where more than two variants are served')
    .option('--widen-to <number>', 'its share in the end; goes with --over')
    .option('--over <time>', 'how long that takes, such as 36h or 7d')
    .option('--steps <number>', 'in so many equal steps; one a day if left out')
    .option('--rule <name>', 'of a rule, by its name or id; of all whom no rule matches if left out')
    .option('--by <attribute>', 'what decides who is in; as before, or targetingKey, if left out')
  withWrite(rollout).action(async (key: string, options: RolloutOptions, command: Command) =>
    (await loadStates()).rolloutFlag(key, options, settingsOf(command)),
  )
}

function addOverride(parent: Command): void {
  const command = nameOf(parent, 'override')
  const override = addCommand(parent, 'override <key>', {
    does: 'give single contexts a variant, before any rule; or end that',
    examples: [
      `${command} new-checkout --variant on --for user-1 user-2 --env production`,
      `${command} new-checkout --variant on --for acme --attribute company --until 2h`,
      `${command} new-checkout --clear --for user-1`,
    ],
  })
    .requiredOption('--for <values...>', 'who: targeting keys, or values of --attribute')
    .option('--variant <key>', 'what they get')
    .addOption(new Option('--clear', 'they get what everybody gets').conflicts(['variant', 'until']))
    .option('--attribute <name>', 'go by this attribute of the context')
    .option('--until <time>', 'when it ends: a time, or so long from now, such as 2h; never if left out')
  withWrite(override).action(async (key: string, options: OverrideOptions, command: Command) => {
    if (!options.variant && !options.clear)
      command.error('error: give --variant, or --clear to end an override')
    await (await loadStates()).overrideFlag(key, options, settingsOf(command))
  })
}

function addRules(flags: Command): void {
  const rules = addCommand(flags, 'rules <key>', {
    does: 'the rules of a flag in an environment, or others in their place',
    examples: [
      'halyard flags rules new-checkout --json > rules.json',
      'halyard flags rules new-checkout --set rules.json --env staging',
    ],
  }).option('--set <file>', 'a JSON list of rules, - for stdin')
  withWrite(rules).action(async (key: string, options: RulesOptions, command: Command) =>
    (await loadStates()).flagRules(key, options, settingsOf(command)),
  )
}

function withDefinition(command: Command): Command {
  return command
    .option('--name <text>', 'a name for people')
    .option('--description <text>', 'what it is for')
    .option('--tags <list>', 'tags, with commas between them; an empty text for none')
    .option('--owner <text>', 'who answers for it')
    .addOption(new Option('--kind <kind>', 'what kind of flag it is').choices(kinds))
    .option('--expires <time>', 'a time, or so long from now, such as 30d; never')
    .option('--on-expiry <variant>', 'what everybody gets from then on; keep goes on as before')
    .option('--client-visible', 'let client (browser) keys see it')
    .option('--no-client-visible', 'hide it from client keys')
    .option('--variant <key=json>', 'a variant, once for each; a boolean flag has on and off anyway', collect)
}

function nameOf(parent: Command, name: string): string {
  return parent.name() === 'halyard' ? `halyard ${name}` : `halyard ${parent.name()} ${name}`
}
