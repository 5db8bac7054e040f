/**
 * Loaded before all else in a process of tests. Tap follows every asynchronous step of the process, to know which test threw
 * an error that nobody caught. That is a quarter of the CPU of tests that do much, and what is thrown fails the process all
 * the same.
 */
import asyncHooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'

const NONE: ReturnType<typeof asyncHooks.createHook> = { enable: () => NONE, disable: () => NONE }

asyncHooks.createHook = () => NONE
syncBuiltinESMExports()
