/** Checks the references of an environment as a change leaves them: the rows are written already. */
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { WrongField } from '@halyard/shared/checks/wrong-field.ts'
import { ProblemError } from '../problem.ts'
import { flags, flagStates } from '../store/schema.ts'
import { layers, segments, segmentStates } from '../store/segment-schema.ts'
import { flagColumns } from '../store/select.ts'
import type { Change, EnvironmentRow } from './change.ts'
import {
  dependentsOf,
  flagReferences,
  nodeName,
  referenceFaults,
  segmentReferences,
  type Fault,
  type Node,
  type World,
} from '@halyard/shared/checks/references.ts'

type Target = Pick<Node, 'kind' | 'key'>

interface Checked {
  readonly projectId: string
  readonly environments: readonly EnvironmentRow[]
  readonly changed: readonly Target[]
  /** How the request names a fault of a changed node in an environment. */
  readonly own: (fault: Fault, environment: EnvironmentRow) => WrongField
  /** The field of the request by which others may lose what they refer to. */
  readonly lost: string
}

/** Refuses what the changed things refer to in vain, in circles or too deep, and what others would lose. */
export async function refuseBrokenReferences(change: Change, checked: Checked): Promise<void> {
  const errors: WrongField[] = []
  for (const environment of checked.environments) {
    const world = await readWorld(change, checked, environment.id) // oxlint-disable-line no-await-in-loop -- one connection
    for (const fault of referenceFaults(world, checked.changed)) {
      const { node, code, pointer, detail } = fault
      const isOwn = checked.changed.some(({ kind, key }) => kind === node.kind && key === node.key)
      const lost = {
        pointer: checked.lost,
        detail: `${nodeName(node)} in ${environment.key} uses it at ${pointer}: ${detail}`,
      }
      errors.push(isOwn ? checked.own(fault, environment) : code === undefined ? lost : { code, ...lost })
    }
  }
  if (errors.length > 0) throw new ProblemError('invalid_input', { errors: errors.slice(0, errorsMax) })
}

/** Refuses to archive what live flags or segments refer to. */
export async function refuseInUse(
  change: Change,
  { target, ...at }: Pick<Checked, 'projectId' | 'environments'> & { target: Target },
): Promise<void> {
  const uses: string[] = []
  for (const environment of at.environments) {
    const world = await readWorld(change, { ...at, changed: [target] }, environment.id) // oxlint-disable-line no-await-in-loop -- one connection
    for (const node of dependentsOf(world, target)) {
      const isItself = node.kind === target.kind && node.key === target.key
      if (!isItself) uses.push(`${nodeName(node)} in ${environment.key}`)
    }
  }
  if (uses.length === 0) return
  const more = uses.length > usesShown ? ` and ${uses.length - usesShown} more` : ''
  throw new ProblemError('in_use', {
    detail: `${nodeName(target)} is used by ${uses.slice(0, usesShown).join(', ')}${more}`,
  })
}

const errorsMax = 100
const usesShown = 10

/** The nodes that refer to something, those that they refer to, and the changed ones. */
async function readWorld(
  { tx, actor: { orgId } }: Change,
  { projectId, changed }: Pick<Checked, 'projectId' | 'changed'>,
  environmentId: string,
): Promise<World> {
  const referring = await tx
    .select({ key: flags.key, state: flagStates.state })
    .from(flagStates)
    .innerJoin(flags, and(eq(flags.orgId, flagStates.orgId), eq(flags.id, flagStates.flagId)))
    .where(
      and(
        eq(flagStates.orgId, orgId),
        eq(flagStates.environmentId, environmentId),
        isNull(flags.archivedAt),
        sql`${flagStates.state}::text ~ '"(flag|segment|slot)":'`,
      ),
    )
  const segmentNodes = await readSegments({ tx, orgId, projectId, environmentId })
  const references = new Map(referring.map(({ key, state }) => [key, flagReferences(state)]))
  const named = [...references.values(), ...segmentNodes.map((node) => node.references)].flat()
  const keys = [...references.keys(), ...[...named, ...changed].filter(isFlag).map(({ key }) => key)]
  const targets = await tx
    .select({ key: flags.key, archivedAt: flags.archivedAt, variants: flagColumns.variants })
    .from(flags)
    .where(
      and(eq(flags.orgId, orgId), eq(flags.projectId, projectId), inArray(flags.key, [...new Set(keys)])),
    )
  const flagNodes = targets.map(({ key, archivedAt, variants }): Node => ({
    kind: 'flag',
    key,
    isLive: archivedAt === null,
    parts: variants.map((variant) => variant.key),
    references: references.get(key) ?? [],
  }))
  const nodes = [...flagNodes, ...segmentNodes, ...(await readLayers({ tx, orgId, projectId }))]
  return new Map(nodes.map((node) => [nodeName(node), node]))
}

type Reading = Pick<Change, 'tx'> & { readonly orgId: string; readonly projectId: string }

async function readSegments({ tx, orgId, projectId, environmentId }: Reading & { environmentId: string }) {
  const rows = await tx
    .select({
      key: segments.key,
      archivedAt: segments.archivedAt,
      // Not the lists of ids, which may be long.
      when: sql<null | object>`${segmentStates.state} -> 'when'`,
    })
    .from(segments)
    .innerJoin(
      segmentStates,
      and(eq(segmentStates.orgId, segments.orgId), eq(segmentStates.segmentId, segments.id)),
    )
    .where(
      and(
        eq(segments.orgId, orgId),
        eq(segments.projectId, projectId),
        eq(segmentStates.environmentId, environmentId),
      ),
    )
  return rows.map(({ key, archivedAt, when }): Node => ({
    kind: 'segment',
    key,
    isLive: archivedAt === null,
    parts: [],
    references: segmentReferences({ when: when as never }), // what the state's schema let in
  }))
}

async function readLayers({ tx, orgId, projectId }: Reading) {
  const rows = await tx
    .select()
    .from(layers)
    .where(and(eq(layers.orgId, orgId), eq(layers.projectId, projectId)))
  return rows.map(({ key, archivedAt, slots }): Node => ({
    kind: 'layer',
    key,
    isLive: archivedAt === null,
    parts: slots.map(({ name }) => name),
    references: [],
  }))
}

function isFlag({ kind }: Target): boolean {
  return kind === 'flag'
}
