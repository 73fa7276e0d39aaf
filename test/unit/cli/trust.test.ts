/** Where a token would be readable on its way. */

import { expect, it } from 'vitest';
import { isInClear } from '../../../src/cli/trust.ts';

it.each([
  ['http://sluice.example.com', true],
  ['http://10.0.0.1:8080', true],
  ['http://localhost.example.com', true],
  ['https://sluice.example.com', false],
  ['http://localhost:8080', false],
  ['http://127.0.0.1:8080', false],
  ['http://[::1]:8080', false],
])('%s: %s', (url, isReadable) => {
  expect(isInClear(url)).toBe(isReadable);
});
