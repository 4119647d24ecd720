import { allocateLocked, freeLocked, zero } from './sodium.ts';

/**
 * Locked, guarded memory for values (sodium-native), handed out in slices of slabs: one allocation a
 * value would run into the kernel's limit of mappings. Where the limit of locked memory is too low the
 * kernel keeps less of it out of swap than is reserved, without a word; `Platform.lockedMemory` tells.
 */
export interface Vault {
  /** Copies the bytes in. The caller wipes its own copy. */
  store(bytes: Uint8Array): Slice;
  /** Bytes of all slabs, guard pages not counted. What is freed is unmapped in the next turn. */
  readonly reserved: number;
}

export interface Slice {
  readonly length: number;
  /**
   * Lends the bytes for the time of the call; they must not be kept, so the action may not be async.
   * A `wipe` in it takes effect when it ends.
   */
  use<T>(action: (bytes: Uint8Array) => T): T;
  /** Overwrites and gives back. Using it afterwards throws; wiping it again does nothing. */
  wipe(): void;
}

const slabSize = 64 * 1024;
const smallestSlot = 32;
/** A larger value has a slab to itself. */
const largestSlot = 16 * 1024;
const pageSize = 4096;
/** sodium puts a canary before the memory it gives, in pages of the same kind. */
const canarySize = 16;

/** Slots of one size, or one value alone. */
interface Slab {
  readonly memory: Buffer;
  readonly slot: number;
  /** Offsets of the slots that hold nothing. */
  readonly free: number[];
}

export function createVault(): Vault {
  /** By slot size: slabs with at least one free slot, the one to fill next at the end. */
  const open = new Map<number, Slab[]>();
  /** The one empty slab that is kept, so that a value that comes and goes does not map and unmap. */
  let spare: Buffer | undefined;
  let reserved = 0;

  const allocate = (size: number): Buffer => {
    const memory = allocateLocked(size);
    if (memory.length !== size) throw new Error('no locked memory left');
    reserved += pagesFor(size);
    return memory;
  };

  const free = (memory: Buffer): void => {
    reserved -= pagesFor(memory.length);
    freeLocked(memory);
  };

  const take = (length: number): { slab: Slab; offset: number } => {
    if (length > largestSlot) {
      return { slab: { memory: allocate(length), slot: length, free: [] }, offset: 0 };
    }
    const slot = slotFor(length);
    let slabs = open.get(slot);
    if (slabs === undefined) open.set(slot, (slabs = []));
    let slab = slabs.at(-1);
    if (slab === undefined) {
      const memory = spare ?? allocate(slabSize);
      spare = undefined;
      slab = { memory, slot, free: offsets(slot) };
      slabs.push(slab);
    }
    const offset = slab.free.pop() ?? 0;
    if (slab.free.length === 0) slabs.pop();
    return { slab, offset };
  };

  const giveBack = (slab: Slab, offset: number): void => {
    zero(slab.memory.subarray(offset, offset + slab.slot));
    if (slab.slot > largestSlot) {
      free(slab.memory);
      return;
    }
    const slabs = open.get(slab.slot) ?? [];
    slab.free.push(offset);
    if (slab.free.length === 1) slabs.push(slab);
    if (slab.free.length * slab.slot < slabSize) return;
    slabs.splice(slabs.indexOf(slab), 1);
    if (spare === undefined) spare = slab.memory;
    else free(slab.memory);
  };

  return {
    get reserved() {
      return reserved;
    },
    store(bytes) {
      const { slab, offset } = take(bytes.length);
      slab.memory.set(bytes, offset);
      return new SlabSlice(slab, offset, bytes.length, giveBack);
    },
  };
}

/** A class, and the view of its bytes made for each use: there may be ten thousand. */
class SlabSlice implements Slice {
  readonly length: number;
  readonly #slab: Slab;
  readonly #offset: number;
  readonly #giveBack: (slab: Slab, offset: number) => void;
  #isWiped = false;
  /** Calls of `use` that have not ended. */
  #lent = 0;

  constructor(
    slab: Slab,
    offset: number,
    length: number,
    giveBack: (slab: Slab, offset: number) => void,
  ) {
    this.length = length;
    this.#slab = slab;
    this.#offset = offset;
    this.#giveBack = giveBack;
  }

  use<T>(action: (bytes: Uint8Array) => T): T {
    if (this.#isWiped) throw new Error('a wiped value was used');
    this.#lent += 1;
    try {
      const end = this.#offset + this.length;
      const result = action(this.#slab.memory.subarray(this.#offset, end));
      if (result instanceof Promise) throw new TypeError('lent bytes do not outlive the call');
      return result;
    } finally {
      this.#lent -= 1;
      this.#freeIfWiped();
    }
  }

  wipe(): void {
    if (this.#isWiped) return;
    this.#isWiped = true;
    this.#freeIfWiped();
  }

  #freeIfWiped(): void {
    if (this.#isWiped && this.#lent === 0) this.#giveBack(this.#slab, this.#offset);
  }
}

function slotFor(length: number): number {
  let slot = smallestSlot;
  while (slot < length) slot *= 2;
  return slot;
}

/** Last first, so that `pop` fills a slab from its start. */
function offsets(slot: number): number[] {
  return Array.from({ length: slabSize / slot }, (_, index) => slabSize - (index + 1) * slot);
}

/** Bytes of the pages that hold so much memory. */
function pagesFor(size: number): number {
  return Math.ceil((size + canarySize) / pageSize) * pageSize;
}
