import * as z from 'zod'
import { endpoint, page, PageQuery } from './endpoint.ts'
import { Layer, LayerCreate, LayerPatch } from './layer.ts'
import { inProject } from './paths.ts'
import { Comment, written } from './written.ts'

const LayerQuery = PageQuery.extend({ archived: z.enum(['true', 'false']).default('false') })

/** Layers, which belong to a project. */
export const layerEndpoints = {
  listLayers: endpoint({
    method: 'GET',
    path: `${inProject}/layers`,
    tag: 'Layers',
    summary: 'List layers',
    role: 'viewer',
    query: LayerQuery,
    result: page(Layer),
  }),
  createLayer: endpoint({
    method: 'POST',
    path: `${inProject}/layers`,
    tag: 'Layers',
    summary: 'Create a layer',
    role: 'editor',
    body: LayerCreate,
    status: 201,
    result: written(Layer),
    etag: true,
  }),
  getLayer: endpoint({
    method: 'GET',
    path: `${inProject}/layers/:key`,
    tag: 'Layers',
    summary: 'Read a layer',
    role: 'viewer',
    result: Layer,
    etag: true,
  }),
  updateLayer: endpoint({
    method: 'PATCH',
    path: `${inProject}/layers/:key`,
    tag: 'Layers',
    summary: 'Change a layer in every environment',
    role: 'editor',
    body: LayerPatch,
    result: written(Layer),
    etag: true,
  }),
  archiveLayer: endpoint({
    method: 'DELETE',
    path: `${inProject}/layers/:key`,
    tag: 'Layers',
    summary: 'Archive a layer that no flag uses; its key, seed and slots are kept',
    role: 'editor',
    result: written(Layer),
    etag: true,
  }),
  restoreLayer: endpoint({
    method: 'POST',
    path: `${inProject}/layers/:key/restore`,
    tag: 'Layers',
    summary: 'Restore an archived layer',
    role: 'editor',
    body: Comment,
    result: written(Layer),
    etag: true,
  }),
} as const
