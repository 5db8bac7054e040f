/** Loaded into the servers that run in Node: garbage is not what a connection takes, so all of it goes before memory is read. */
process.on('SIGWINCH', () => globalThis.gc?.())
