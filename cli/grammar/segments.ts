import { Option, type Command } from 'commander'
import type { ListOptions as LayersOptions } from '../commands/layers.ts'
import type { CreateOptions, ListOptions, UpdateOptions } from '../commands/segments.ts'
import type { UploadOptions } from '../commands/upload-members.ts'
import { addCommand, settingsOf, withComment, withWrite, withYes, type WriteOptions } from '../options.ts'

const loadSegments = async () => await import('../commands/segments.ts')
const loadMembers = async () => await import('../commands/members.ts')
const loadUpload = async () => await import('../commands/upload-members.ts')
const loadLayers = async () => await import('../commands/layers.ts')

export function addSegments(program: Command): void {
  const segments = addCommand(program, 'segments', {
    does: 'named sets of contexts, for rules',
    examples: [
      'halyard segments list --env production',
      'halyard segments members upload customers users.csv',
    ],
  })
  addReading(segments)
  addWriting(segments)
  addMembers(segments)
}

export function addLayers(program: Command): void {
  const layers = addCommand(program, 'layers', {
    does: 'what keeps experiments apart',
    examples: ['halyard layers list', 'halyard layers get checkout-experiments'],
  })
  addCommand(layers, 'list', { does: 'every layer', examples: ['halyard layers list'] })
    .option('--archived', 'the archived ones instead')
    .action(async (options: LayersOptions, command: Command) =>
      (await loadLayers()).listLayers(options, settingsOf(command)),
    )
  addCommand(layers, 'get <key>', {
    does: 'a layer, with its slots',
    examples: ['halyard layers get checkout-experiments'],
  }).action(async (key: string, _options: object, command: Command) =>
    (await loadLayers()).getLayer(key, settingsOf(command)),
  )
}

function addReading(segments: Command): void {
  addCommand(segments, 'list', {
    does: 'every segment, with what it holds in an environment',
    examples: ['halyard segments list --env production', 'halyard segments list --tag crm --json'],
  })
    .option('--tag <tag>', 'those with a tag')
    .option('--text <text>', 'those with a text in their key, name or description')
    .option('--archived', 'the archived ones instead')
    .action(async (options: ListOptions, command: Command) =>
      (await loadSegments()).listSegments(options, settingsOf(command)),
    )
  addCommand(segments, 'get <key>', {
    does: 'a segment, with what it holds in an environment',
    examples: ['halyard segments get beta-testers --env production'],
  }).action(async (key: string, _options: object, command: Command) =>
    (await loadSegments()).getSegment(key, settingsOf(command)),
  )
}

function addWriting(segments: Command): void {
  const create = addCommand(segments, 'create <key>', {
    does: 'create a segment; what it holds is for the environment of --env',
    examples: [
      'halyard segments create beta-testers --include user-1 user-2 --env production',
      `halyard segments create pros --when '{"attribute":"plan","op":"eq","value":"pro"}' --env production`,
    ],
  })
  withComment(withState(create)).action(async (key: string, options: CreateOptions, command: Command) =>
    (await loadSegments()).createSegment(key, options, settingsOf(command)),
  )
  const update = addCommand(segments, 'update <key>', {
    does: 'change the words of a segment, or what it holds in an environment',
    examples: [
      'halyard segments update beta-testers --name "Beta testers" --tags beta',
      'halyard segments update beta-testers --include user-1 user-3 --env production',
      'halyard segments update pros --when condition.json --env production',
    ],
  })
  withWrite(withState(update)).action(async (key: string, options: UpdateOptions, command: Command) =>
    (await loadSegments()).updateSegment(key, options, settingsOf(command)),
  )
  const archive = addCommand(segments, 'archive <key>', {
    does: 'archive a segment that nothing uses; its key and state are kept',
    examples: ['halyard segments archive beta-testers'],
  })
  withYes(archive).action(async (key: string, options: WriteOptions, command: Command) =>
    (await loadSegments()).archiveSegment(key, options, settingsOf(command)),
  )
  const restore = addCommand(segments, 'restore <key>', {
    does: 'restore an archived segment, as it was',
    examples: ['halyard segments restore beta-testers'],
  })
  withWrite(restore).action(async (key: string, options: WriteOptions, command: Command) =>
    (await loadSegments()).restoreSegment(key, options, settingsOf(command)),
  )
}

function addMembers(segments: Command): void {
  const members = addCommand(segments, 'members', {
    does: 'the large list of ids of a segment in an environment',
    examples: ['halyard segments members upload customers users.csv --column user_id --env production'],
  })
  addCommand(members, 'get <key>', {
    does: 'how many ids it has, later edits, and uploads',
    examples: ['halyard segments members get customers --env production'],
  }).action(async (key: string, _options: object, command: Command) =>
    (await loadMembers()).getMembers(key, settingsOf(command)),
  )
  const upload = addCommand(members, 'upload <key> <file>', {
    does: 'put the ids of a file in place of the list; a second run goes on where the first broke off',
    examples: [
      'halyard segments members upload customers ids.ndjson --env production',
      'halyard segments members upload customers users.csv --column user_id --env production',
    ],
  })
    .addOption(
      new Option('--format <format>', 'by the name of the file if left out').choices(['ndjson', 'csv']),
    )
    .option('--column <name>', 'of a CSV: the column of the ids; the first one if left out')
  withWrite(upload).action(async (key: string, path: string, options: UploadOptions, command: Command) =>
    (await loadUpload()).uploadMembers({ key, path }, options, settingsOf(command)),
  )
  addEdit(members, 'add', 'add single ids')
  addEdit(members, 'remove', 'take single ids out')
  const clear = addCommand(members, 'clear <key>', {
    does: 'empty the list, or discard an upload that was not committed',
    examples: [
      'halyard segments members clear customers --env staging',
      'halyard segments members clear customers --upload nightly',
    ],
  }).option('--upload <name>', 'discard this upload, and leave the list')
  withYes(clear).action(async (key: string, options: WriteOptions & { upload?: string }, command: Command) =>
    (await loadMembers()).clearMembers(key, options, settingsOf(command)),
  )
}

function addEdit(members: Command, verb: 'add' | 'remove', does: string): void {
  const edit = addCommand(members, `${verb} <key> <ids...>`, {
    does,
    examples: [`halyard segments members ${verb} customers user-1 user-2 --env production`],
  })
  withWrite(edit).action(async (key: string, ids: string[], options: WriteOptions, command: Command) =>
    (await loadMembers()).editMembers(key, { ...options, [verb]: ids }, settingsOf(command)),
  )
}

function withState(command: Command): Command {
  return command
    .option('--name <text>', 'a name for people')
    .option('--description <text>', 'what it is for')
    .option('--tags <list>', 'tags, with commas between them; an empty text for none')
    .option('--attribute <name>', 'what holds the id of a context; targetingKey if it was never said')
    .option('--include <ids...>', 'the ids that belong to it; an empty text for none')
    .option('--exclude <ids...>', 'the ids that do not, whatever else says so')
    .option('--when <json>', 'a condition, or a file that holds one; none for none')
}
