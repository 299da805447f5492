/** Imports go one way: engine <- (pattern, words, compiler) <- protocol <- contract <- checks <- flag-file <- (hub, edge, control, sdk) <- (cli, console, dev, bench, drills). */
const only = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from, pathNot: '(\\.test|[/.]test-kit)\\.ts$' },
  to: { path: '^(shared|workers|sdk|cli|console|admin|dev|bench|drills|test)/', pathNot: to },
})

module.exports = {
  forbidden: [
    only('engine-imports-nothing', '^shared/engine/', '^shared/engine/', 'the engine is pure'),
    {
      name: 'engine-uses-no-package',
      severity: 'error',
      from: { path: '^shared/engine/', pathNot: '(\\.test|[/.]test-kit)\\.ts$' },
      to: { path: 'node_modules', pathNot: '^shared/' },
    },
    only(
      'pattern-imports-engine',
      '^shared/pattern/',
      '^shared/(engine|pattern)/',
      'it is handed to the engine',
    ),
    only(
      'words-import-engine',
      '^shared/words/',
      '^shared/(engine|words)/',
      'words are about what the engine does',
    ),
    only(
      'compiler-imports-engine',
      '^shared/compiler/',
      '^shared/(engine|compiler)/',
      'it writes what the engine reads',
    ),
    only(
      'protocol-imports-engine',
      '^shared/protocol/',
      '^shared/(engine|protocol)/',
      'protocol is below contract',
    ),
    only(
      'contract-imports-down',
      '^shared/contract/',
      '^shared/(engine|pattern|words|compiler|protocol|contract)/',
      'contract is below every Worker',
    ),
    only(
      'checks-import-down',
      '^shared/checks/',
      '^shared/(?!flag-file/)',
      'control and files of flags are checked by them',
    ),
    only(
      'hub-stays-alone',
      '^workers/hub/',
      '^(shared|workers/hub)/',
      'a hub deploy drops sockets: keep it small',
    ),
    only('edge-stays-alone', '^workers/edge/', '^(shared|workers/edge)/', 'edge is the public data plane'),
    only(
      'control-stays-alone',
      '^workers/control/',
      '^(shared|workers/control)/',
      'Workers meet at wires only',
    ),
    {
      name: 'edge-takes-only-types-of-contract',
      severity: 'error',
      comment: 'zod stays out of the bundle of the edge',
      from: { path: '^workers/edge/', pathNot: '(\\.test|[/.]test-kit)\\.ts$' },
      to: { path: '(^shared/contract/|node_modules/zod)', dependencyTypesNot: ['type-only'] },
    },
    only('sdk-imports', '^sdk/', '^(shared|sdk)/', 'it is a client of the edge'),
    {
      name: 'sdk-takes-only-types-of-contract',
      severity: 'error',
      comment: 'zod stays out of what users ship: only files of flags, which stay at home, are checked by it',
      from: { path: '^sdk/(?!local/|testing/)', pathNot: '(\\.test|[/.]test-kit)\\.tsx?$' },
      to: {
        path: '(^shared/(contract|checks|flag-file)/|node_modules/zod)',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'browser-evaluates-nothing',
      severity: 'error',
      comment: 'the browser is given answers: the engine stays out of its 6 KB',
      from: { path: '^sdk/(web|react|openfeature-web)/', pathNot: '(\\.test|[/.]test-kit)\\.tsx?$' },
      to: { path: '^(shared|sdk/(client|server|sync))/', dependencyTypesNot: ['type-only'] },
    },
    only(
      'cli-is-a-client',
      '^cli/(?!commands/admin)',
      '^(shared|sdk|cli)/',
      "the CLI speaks to the API only; the operator's commands are in admin/",
    ),
    only(
      'admin-is-the-operators',
      '^admin/',
      '^(shared|admin|workers/control|dev|cli/(command-error|output|local-stack))',
      'it speaks to the database as its owner',
    ),
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'types may refer to one another: nothing of them is left to be loaded in some order',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
}
