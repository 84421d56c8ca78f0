// Copyright 2026 the @concurrent/parallel authors. MIT license.

/**
 * Executors whose workers are on other machines, over BullMQ on Redis: for
 * those who outgrow one machine. A program that submits has a
 * {@linkcode DistributedExecutor}; each machine that works runs a node, started
 * with {@linkcode serve} or from a shell with `distributed/node.ts`.
 *
 * @module
 */

export * from "./distributed_executor.ts";
export * from "./errors.ts";
export * from "./serve.ts";
