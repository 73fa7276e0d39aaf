/** The demo says at once what it will do, how long it takes, and what of it is there already. */

import { expect, test } from 'vitest';
import { announce } from '../../../examples/demo/announce.ts';

const cache = '/home/me/.cache/sluice';

test('with everything there it names the cache and the usual time', () => {
  const lines = announce({ packages: [], programs: { names: [], seconds: 0 }, small: [] }, cache);
  expect(lines.join('\n')).toContain('Takes about 1 min 15 s.');
  expect(lines).toContain(`Cluster programs: all are in the cache, ${cache}.`);
  expect(lines).toContain('Packages: all are installed.');
  expect(lines).toContain('Images: from the cache.');
});

test('the first time it names what is installed and built, and how much longer that takes', () => {
  const programs = { names: ['etcd', 'kube-apiserver'], seconds: 365 };
  const lines = announce({ packages: ['runc'], programs, small: ['app', 'load'] }, cache);
  expect(lines).toContain('Takes about 1 min 15 s, this first time 6 min 41 s more.');
  expect(lines).toContain('Packages to install: runc (about 30 s).');
  expect(lines).toContain('Cluster programs to build, once: etcd, kube-apiserver (about 6 min 5 s).');
  expect(lines).toContain('Images: their programs are built first (about 6 s).');
});

test('with a cluster that is there it says nothing of programs', () => {
  expect(announce(undefined).join('\n')).not.toMatch(/Packages|programs/);
});
