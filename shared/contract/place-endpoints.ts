import { endpoint, page, PageQuery } from './endpoint.ts'
import { inEnvironment, inProject } from './paths.ts'
import {
  Environment,
  EnvironmentCreate,
  EnvironmentPatch,
  Project,
  ProjectCreate,
  ProjectPatch,
  Whoami,
} from './resources.ts'
import { written } from './written.ts'

/** Projects and environments, and who the token is. */
export const placeEndpoints = {
  whoami: endpoint({
    method: 'GET',
    path: '/whoami',
    tag: 'Access',
    summary: 'What this token may reach',
    role: 'viewer',
    result: Whoami,
  }),

  listProjects: endpoint({
    method: 'GET',
    path: '/orgs/:org/projects',
    tag: 'Projects',
    summary: 'List projects',
    role: 'viewer',
    query: PageQuery,
    result: page(Project),
  }),
  createProject: endpoint({
    method: 'POST',
    path: '/orgs/:org/projects',
    tag: 'Projects',
    summary: 'Create a project with its environments',
    role: 'admin',
    body: ProjectCreate,
    status: 201,
    result: written(Project),
    etag: true,
  }),
  getProject: endpoint({
    method: 'GET',
    path: inProject,
    tag: 'Projects',
    summary: 'Read a project',
    role: 'viewer',
    result: Project,
    etag: true,
  }),
  updateProject: endpoint({
    method: 'PATCH',
    path: inProject,
    tag: 'Projects',
    summary: 'Rename a project',
    role: 'admin',
    body: ProjectPatch,
    result: written(Project),
    etag: true,
  }),

  listEnvironments: endpoint({
    method: 'GET',
    path: `${inProject}/environments`,
    tag: 'Environments',
    summary: 'List environments',
    role: 'viewer',
    query: PageQuery,
    result: page(Environment),
  }),
  createEnvironment: endpoint({
    method: 'POST',
    path: `${inProject}/environments`,
    tag: 'Environments',
    summary: 'Create an environment',
    role: 'admin',
    body: EnvironmentCreate,
    status: 201,
    result: written(Environment),
    etag: true,
  }),
  getEnvironment: endpoint({
    method: 'GET',
    path: inEnvironment,
    tag: 'Environments',
    summary: 'Read an environment',
    role: 'viewer',
    result: Environment,
    etag: true,
  }),
  updateEnvironment: endpoint({
    method: 'PATCH',
    path: inEnvironment,
    tag: 'Environments',
    summary: 'Rename or protect an environment',
    role: 'admin',
    body: EnvironmentPatch,
    result: written(Environment),
    etag: true,
  }),
} as const
