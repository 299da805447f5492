/** Set by the bundler. */
declare const HALYARD_VERSION: string | undefined

export const version = typeof HALYARD_VERSION === 'undefined' ? 'workspace' : HALYARD_VERSION
