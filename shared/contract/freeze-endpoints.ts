import * as z from 'zod'
import { endpoint } from './endpoint.ts'
import { inEnvironment } from './paths.ts'
import { Environment } from './resources.ts'
import { Comment, written } from './written.ts'

/** Why publishing is switched off, for whoever finds it so. */
export const Freeze = z.strictObject({ comment: z.string().min(1).max(500) }).meta({ id: 'Freeze' })

/** The switch that stops the publishing of an environment. Repeating it changes nothing. */
export const freezeEndpoints = {
  freezeEnvironment: endpoint({
    method: 'POST',
    path: `${inEnvironment}/freeze`,
    tag: 'Environments',
    summary: 'Stop publishing: edits are kept and wait, and so do kill switches and key revocations',
    role: 'admin',
    body: Freeze,
    result: written(Environment),
    etag: true,
  }),
  unfreezeEnvironment: endpoint({
    method: 'POST',
    path: `${inEnvironment}/unfreeze`,
    tag: 'Environments',
    summary: 'Publish again, at once also all that waited',
    role: 'admin',
    body: Comment,
    result: written(Environment),
    etag: true,
  }),
} as const
