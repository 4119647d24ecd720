import { expect, test } from 'vitest';
import { sharedPerTurn } from './turn.ts';

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

test('those who ask in one turn share an answer that was looked for after each of them asked', async () => {
  let state = 'before';
  const looks: string[] = [];
  const ask = sharedPerTurn(async (key) => {
    looks.push(key);
    return `${key} ${state}`;
  });
  const first = ask('a');
  await Promise.resolve();
  const second = ask('a');
  const other = ask('b');
  state = 'after';
  expect(looks).toEqual([]);
  expect(await Promise.all([first, second, other])).toEqual(['a after', 'a after', 'b after']);
  expect(looks).toEqual(['a', 'b']);
});

test('who asks while an answer is looked for gets a newer one', async () => {
  const answers: PromiseWithResolvers<string>[] = [];
  const ask = sharedPerTurn(() => {
    const answer = Promise.withResolvers<string>();
    answers.push(answer);
    return answer.promise;
  });
  const first = ask('a');
  await nextTurn();
  const second = ask('a');
  await nextTurn();
  answers[1]?.resolve('new');
  answers[0]?.resolve('old');
  expect(await Promise.all([first, second])).toEqual(['old', 'new']);
});

test('a failure goes to those who shared it, and is not kept', async () => {
  let looks = 0;
  const ask = sharedPerTurn(async () => {
    looks += 1;
    if (looks === 1) throw new Error('once');
    return 'fine';
  });
  const failed = await Promise.allSettled([ask('a'), ask('a')]);
  expect(failed).toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  expect(await ask('a')).toBe('fine');
});
