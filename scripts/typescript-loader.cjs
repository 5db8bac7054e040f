/** Required in every test process, before tap's own loaders: TypeScript is for typescript-hooks.mjs. */
const { register } = require('node:module')
const { join } = require('node:path')
const { pathToFileURL } = require('node:url')

// As @tapjs/typescript asks whether it has to load a compiler.
process.env.TAP_TYPE_STRIP_ONLY = '1'
register(pathToFileURL(join(__dirname, 'typescript-hooks.mjs')))
