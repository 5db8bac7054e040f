export { startBridges, type Bridges, type BridgesOptions } from './bridges.ts'
