// Copyright 2026 the @concurrent/parallel authors. MIT license.

// The modules of the classes that travel as what they stand for, for a thread that is
// sent one and has not loaded its class: a URL each, never an import.

const MODULES: Readonly<Record<string, string>> = {
  "distributed.DistributedExecutor": "distributed_executor",
  "futures.AutoExecutor": "auto_executor",
  "futures.ProcessPoolExecutor": "process_pool_executor",
  "futures.ThreadPoolExecutor": "thread_pool_executor",
  "multiprocessing.Connection": "connection",
  "multiprocessing.DictProxy": "dict_proxy",
  "multiprocessing.IteratorProxy": "iterator_proxy",
  "multiprocessing.ListProxy": "list_proxy",
  "multiprocessing.Manager": "manager",
  "multiprocessing.NamespaceProxy": "namespace_proxy",
  "multiprocessing.ObjectProxy": "object_proxy",
  "multiprocessing.SetProxy": "set_proxy",
  "multiprocessing.ShareableList": "shareable_list",
  "multiprocessing.SharedArray": "shared_array",
  "multiprocessing.SharedMemory": "shared_memory",
  "multiprocessing.Value": "value",
  "threading.Barrier": "barrier",
  "threading.BoundedSemaphore": "semaphore",
  "threading.Condition": "condition",
  "threading.Event": "event",
  "threading.LifoQueue": "lifo_queue",
  "threading.Local": "local",
  "threading.Lock": "lock",
  "threading.Once": "once",
  "threading.PriorityQueue": "priority_queue",
  "threading.Queue": "queue",
  "threading.RLock": "rlock",
  "threading.RWLock": "rw_lock",
  "threading.Semaphore": "semaphore",
  "threading.SharedArray": "shared_array",
  "threading.SharedValue": "shared_value",
  "threading.SimpleQueue": "simple_queue",
  "threading.Thread": "thread",
};

/** The URL of the module that registers a tag. */
export function sharedClassModule(tag: string): string | undefined {
  const file = Object.hasOwn(MODULES, tag) ? MODULES[tag] : undefined;
  const family = tag.slice(0, tag.indexOf("."));
  return file === undefined
    ? undefined
    : new URL(`../../${family}/${file}.ts`, import.meta.url).href;
}

/** What brings a whole driver along: loaded by who uses it, and nobody else. */
const HEAVY = "distributed.";

/**
 * Where the package is not on disk, a blocked thread cannot load the class of
 * what it takes out of a queue. So whoever loads one class loads what it may
 * need besides. The list is empty everywhere else.
 *
 * @param urls What is going to be loaded.
 */
export function companionModules(urls: Iterable<string>): string[] {
  if (import.meta.url.startsWith("file:")) return [];
  const all = Object.keys(MODULES).filter((tag) => !tag.startsWith(HEAVY)).map((
    tag,
  ) => sharedClassModule(tag)!);
  for (const url of urls) {
    if (!all.includes(url)) continue;
    // A function may be put as well.
    all.push(new URL("functions/describe.ts", import.meta.url).href);
    return all;
  }
  return [];
}
