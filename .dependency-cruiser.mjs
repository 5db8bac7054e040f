/** Who may import whom: `npm run lint` holds it. Types count too. */

/** Folder: the folders whose files it may import, beside its own. `index.ts` is the public API. */
const FOLDERS = {
  topics: [],
  common: ['errors.ts'],
  auth: ['errors.ts', 'common/', 'topics/'],
  store: ['errors.ts', 'common/', 'topics/'],
  'broker/codec': ['errors.ts'],
  broker: ['errors.ts', 'common/', 'topics/', 'auth/', 'store/'],
  bridge: ['errors.ts', 'common/', 'topics/', 'auth/', 'store/'],
  push: ['errors.ts', 'common/', 'topics/', 'auth/', 'store/', 'broker/', 'bridge/'],
  // They run in a browser, and know of the server what everybody knows: its HTTP API.
  client: [],
  console: ['client/'],
  'mosquitto-compat': ['errors.ts', 'index.ts', 'common/', 'topics/'],
  // The ready server may import all of them. Nothing imports it.
  server: [
    'errors.ts',
    'index.ts',
    'common/',
    'topics/',
    'auth/',
    'store/',
    'broker/',
    'bridge/',
    'push/',
    'mosquitto-compat/',
    'client/',
  ],
}

/** Package: the only places that may import it. */
const PACKAGES = {
  aedes: ['broker/', 'push/'],
  'aedes-persistence-redis': ['broker/aedes/'],
  'classic-level': ['store/level/'],
  ioredis: ['store/redis/', 'broker/aedes/'],
  'fast-jwt': ['auth/'],
  'hash-wasm': ['mosquitto-compat/'],
  fastify: ['bridge/', 'push/', 'server/', 'index.ts'],
  mqtt: ['bridge/', 'server/cli/'],
  commander: ['server/cli/'],
  'eventsource-parser': ['server/cli/'],
  undici: ['bridge/webhooks/'],
  'mqtt-packet': ['mosquitto-compat/bridges/', 'mosquitto-compat/import/'],
  '@fastify/static': ['bridge/console/'],
  preact: ['console/'],
  uplot: ['console/'],
  '@opentelemetry/api': ['server/tracing.ts'],
  'node:process': ['server/main.ts', 'server/command.ts', 'server/server-command.ts'],
}

const escaped = (path) => path.replaceAll('.', '\\.')
const anyOf = (paths) => `^(${paths.map(escaped).join('|')})`
const OURS = anyOf([...Object.keys(FOLDERS).map((folder) => `${folder}/`), 'errors.ts', 'index.ts'])
const FREE = anyOf(['test/', 'bench/', 'examples/', 'scripts/'])

export default {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: { pathNot: FREE }, to: { circular: true } },
    ...Object.entries(FOLDERS).map(([folder, others]) => ({
      name: `${folder}-imports`,
      comment: `${folder}/ may import ${['itself', ...others].join(', ')}`,
      severity: 'error',
      from: { path: anyOf([`${folder}/`]), ...(folder === 'broker' ? { pathNot: '^broker/codec/' } : {}) },
      to: { path: OURS, pathNot: anyOf([`${folder}/`, ...others]) },
    })),
    {
      name: 'product-imports-no-tests',
      severity: 'error',
      from: { path: OURS },
      to: { path: FREE },
    },
    ...Object.entries(PACKAGES).map(([name, places]) => ({
      name: `only-for-${name}`,
      comment: `${name} is for ${places.join(', ')}`,
      severity: 'error',
      from: { path: OURS, pathNot: anyOf(places) },
      to: {
        path: name.startsWith('node:') ? `^${name.slice('node:'.length)}$` : `(^|/)node_modules/${name}/|^${name}(/|$)`,
      },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { conditionNames: ['import', 'types', 'node', 'default'], exportsFields: ['exports'] },
  },
}
