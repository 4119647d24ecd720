import { describe, expect, test } from 'vitest';
import { fakeClock } from '../testing/fake-clock.ts';
import { pendingRequest, requested } from '../testing/pending-request.ts';
import { createApprovals } from './approvals.ts';

const hour = 60 * 60 * 1000;
/** Listeners are called in a later turn. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

describe('a pending request', () => {
  test('is one for the same launch asked for twice, with the variables of the second', () => {
    const approvals = createApprovals(fakeClock());
    const first = approvals.request(pendingRequest('f', ['A', 'B']));
    const second = approvals.request({ ...pendingRequest('f', ['B']), granted: ['A'] });
    expect(second.id).toBe(first.id);
    expect(approvals.pending).toEqual([second]);
    expect(second).toMatchObject({ variables: [{ name: 'B' }], granted: ['A'] });
  });

  test('says when it ends, an hour after it was last asked for', () => {
    const clock = fakeClock();
    const approvals = createApprovals(clock);
    const { id } = approvals.request(pendingRequest('f'));
    clock.pass(hour - 1);
    const { requested: asked, expires } = approvals.request(pendingRequest('f'));
    expect([asked, expires]).toEqual(['2026-01-01T00:00:01.000Z', '2026-01-01T02:00:00.999Z']);
    clock.pass(hour - 1);
    expect(approvals.find(id).expires).toBe(expires);
    clock.pass(1);
    expect(() => approvals.find(id)).toThrow(`no pending request ${id}`);
  });

  test('B17: ends when the machine has slept for an hour, and when the clock is set back', async () => {
    for (const jump of [hour, -hour]) {
      const clock = fakeClock();
      const approvals = createApprovals(clock);
      let heard = 0;
      approvals.onSettled(approvals.request(pendingRequest('f')).id, () => (heard += 1));
      clock.jump(jump);
      if (jump < 0) clock.pass(hour);
      expect(approvals.pending, `${jump}`).toEqual([]);
      await turn();
      expect([heard, clock.timers]).toEqual([1, 0]);
    }
  });

  test('B24: is found by its id in any case, and never by what it calls itself', () => {
    const approvals = createApprovals(fakeClock());
    const { id } = approvals.request({ ...pendingRequest('f'), server: 'github' });
    expect(approvals.find(id.toLowerCase()).id).toBe(id);
    expect(() => approvals.find('github')).toThrow('no pending request github');
    expect(() => approvals.find('0000')).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_FOUND' }),
    );
  });

  test('B24: never makes room for another', () => {
    const approvals = createApprovals(fakeClock());
    const ids = Array.from(
      { length: 64 },
      (_, index) => approvals.request(pendingRequest(`f${index}`)).id,
    );
    expect(() => approvals.request(pendingRequest('one more'))).toThrow(
      expect.objectContaining({ code: 'ERR_DENIED' }),
    );
    expect(ids.map((id) => approvals.find(id).id)).toEqual(ids);
    expect(approvals.request(pendingRequest('f7')).id).toBe(ids[7]);
    approvals.settle(ids[0] ?? '', []);
    expect(approvals.request(pendingRequest('one more')).id).toMatch(/^\w{4}$/u);
  });

  test('B24: of a server takes no place that others need', () => {
    const approvals = createApprovals(fakeClock());
    for (let index = 0; index < 16; index += 1) {
      approvals.request(pendingRequest(`s${index}`), 'server');
    }
    expect(() => approvals.request(pendingRequest('s16'), 'server')).toThrow(
      expect.objectContaining({ code: 'ERR_DENIED' }),
    );
    expect(approvals.request(pendingRequest('s3'), 'server').fingerprint).toBe('s3');
    expect(approvals.request(pendingRequest('f')).fingerprint).toBe('f');
  });

  test('waits on with what is left of it', async () => {
    const approvals = createApprovals(fakeClock());
    const { id, variables } = approvals.request(pendingRequest('f', ['A', 'B', 'C']));
    let heard = 0;
    approvals.onSettled(id, () => (heard += 1));
    approvals.settle(id.toLowerCase(), variables.slice(1));
    await turn();
    expect(approvals.find(id)).toMatchObject({
      variables: [{ name: 'B' }, { name: 'C' }],
      granted: ['A'],
    });
    expect(heard).toBe(0);
    approvals.settle(id, []);
    await turn();
    expect([approvals.pending.length, heard]).toEqual([0, 1]);
  });

  test('that is settled is another one when it is asked for again', () => {
    const approvals = createApprovals(fakeClock());
    const { id } = approvals.request(pendingRequest('f'));
    approvals.settle(id, []);
    approvals.settle(id, [requested('A')]);
    expect(approvals.pending).toEqual([]);
    approvals.request(pendingRequest('f'));
    expect(approvals.pending).toHaveLength(1);
  });
});

describe('who waits for a request', () => {
  test('hears that it is too old, once', async () => {
    const clock = fakeClock();
    const approvals = createApprovals(clock);
    let heard = 0;
    const { id } = approvals.request(pendingRequest('f'));
    approvals.onSettled(id, () => (heard += 1));
    clock.pass(hour);
    await turn();
    approvals.settle(id, []);
    await turn();
    expect(heard).toBe(1);
  });

  test('hears so of one that was gone before, in a later turn', async () => {
    const approvals = createApprovals(fakeClock());
    const { id } = approvals.request(pendingRequest('f'));
    approvals.settle(id, []);
    let heard = 0;
    approvals.onSettled(id, () => (heard += 1));
    expect(heard).toBe(0);
    await turn();
    expect(heard).toBe(1);
  });

  test('hears nothing once the listener is removed, were it between the two turns', async () => {
    const approvals = createApprovals(fakeClock());
    let heard = 0;
    const { id } = approvals.request(pendingRequest('f'));
    approvals.onSettled(id, () => (heard += 1))();
    const stop = approvals.onSettled(id, () => (heard += 1));
    approvals.settle(id, []);
    stop();
    await turn();
    expect(heard).toBe(0);
  });
});
