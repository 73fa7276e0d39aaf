/** The demo says at once what it will do, how long it takes, what is in the cache and what is made first. */

import { expect, test } from 'vitest';
import { announce } from '../../../examples/demo/announce.ts';
import { needsOf, type Missing } from '../../../examples/demo/prepare.ts';

const cache = '/home/me/.cache/sluice';
const nothing: Missing = { packages: [], programs: { names: [], seconds: 0 }, images: [] };

test('with nothing missing it names the cache and the usual time', () => {
  const lines = announce(nothing, undefined, cache);
  expect(lines).toContain('Takes about 80 s.');
  expect(lines).toContain('Packages: all are installed.');
  expect(lines).toContain(`Cluster programs: all are in the cache (${cache}).`);
  expect(lines).toContain('Images: their programs are in the cache.');
});

test('the first time it names what is installed and built, and how much longer that takes', () => {
  const programs = { names: ['etcd', 'kube-apiserver'], seconds: 645 };
  const lines = announce({ packages: ['runc', 'nftables'], programs, images: ['app', 'load'] }, undefined, cache);
  expect(lines).toContain('Takes about 80 s, and 11 to 19 min more this first time.');
  expect(lines).toContain('Packages to install: runc, nftables (about 30 s).');
  expect(lines).toContain(
    `Cluster programs to build, once: etcd, kube-apiserver (about 10 min 45 s; kept in ${cache}).`,
  );
  expect(lines).toContain('Images: 2 of their programs are built first (about 10 s).');
});

test('what takes less than two minutes to make has no range', () => {
  expect(announce({ ...nothing, images: ['app'] }, undefined)).toContain(
    'Takes about 80 s, and about 5 s more this first time.',
  );
});

test('a cluster of yours is named, and needs only what runs outside it', () => {
  const how = { kubeconfig: '/home/me/.kube/config', loadCommand: [], prometheus: undefined };
  expect(needsOf(how, ['app'])).toEqual({ packages: ['prometheus'], programs: ['kubectl'], images: undefined });
  const lines = announce({ ...nothing, images: undefined }, how.kubeconfig);
  expect(lines[0]).toContain('Uses the cluster of KUBECONFIG (/home/me/.kube/config)');
  expect(lines).toContain('Images: the cluster has to have them.');
});

test('images are made for a cluster of yours only to be loaded, and no Prometheus is started beside yours', () => {
  const how = { kubeconfig: 'config', loadCommand: ['kind', 'load'], prometheus: 'http://127.0.0.1:9090' };
  expect(needsOf(how, ['app'])).toEqual({ packages: [], programs: ['kubectl'], images: ['app'] });
});

test('without a cluster the node and everything in it is made here', () => {
  const needs = needsOf({ kubeconfig: undefined, loadCommand: [], prometheus: undefined }, ['app']);
  expect(needs.packages).toContain('containerd');
  expect(needs.packages).toContain('prometheus');
  expect(needs.programs).toContain('kube-apiserver');
  expect(needs.images).toEqual(['app']);
});
