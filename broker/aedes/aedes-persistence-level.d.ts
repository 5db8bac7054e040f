declare module 'aedes-persistence-level' {
  /** @param database an open level database */
  export default function persistence(database: object): import('./contract.ts').AedesPersistence
}
