export const inProject = '/orgs/:org/projects/:project'
export const inEnvironment = '/orgs/:org/projects/:project/environments/:environment'
