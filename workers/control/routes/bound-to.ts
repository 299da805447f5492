import type { Actor } from '../ports.ts'
import { ProblemError } from '../problem.ts'

/** The project and environment of a token that is bound to one of each. */
export function boundTo({ project, environment }: Actor): { project: string; environment: string } {
  if (!project || !environment) {
    throw new ProblemError('forbidden', {
      detail:
        'short forms need a token that is bound to one project and environment: make one with POST /orgs/:org/projects/:project/keys {"class": "management", "environment": …, "role": …}',
    })
  }
  return { project: project.key, environment: environment.key }
}
