#!/usr/bin/env node
// The `surety` program: the command line of this checkout, from any folder.
import { join } from 'node:path'
import { root } from './dependencies.mjs'
import { launch } from './launch.mjs'

await launch([join(root, 'src/cli/main.ts'), ...process.argv.slice(2)])
