// Copyright 2026 the @concurrent/parallel authors. MIT license.

// Functions inside a graph. A function that travels by value exists on the
// receiving side in two steps, so that functions which capture each other work:
//
//   1. its eager captures (what evaluating its source needs) are read;
//   2. the function is made and known under its index;
//   3. its late captures are read and bound.
//
// While step 1 of `class B extends A` runs, B is *pending*: nothing may refer
// to it. If A's method mentions B, that late capture of A cannot be read yet.
// So while a function is pending every late capture below it is tried in
// place (an initializer may need it) and, where it leads to a pending
// function, put off until none is pending.

import { SerializationError } from "../base/errors.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type {
  CapturedCell,
  CapturedConstant,
  CapturedImport,
  FunctionValue,
} from "./functions/description.ts";
import { readModuleUrl, writeModuleUrl } from "./functions/names.ts";
import { type Home, rememberHome } from "./functions/origins.ts";
import { modulesOf, resolveReference } from "./functions/revive.ts";
import type { TaskDescription } from "./functions/task.ts";
import { globalNamed, nameOfGlobal } from "./_codec_globals.ts";
import { isA, PendingReference } from "./_codec_path.ts";
import * as tags from "./_codec_tags.ts";
import {
  type AnyFunction,
  type GraphReader,
  type GraphWriter,
  malformed,
} from "./_codec_types.ts";

type TaskModule = typeof import("./functions/task.ts");

const NO_STORAGES: readonly never[] = [];

/** What a receiver of tasks needs and a worker does not start with. */
const TASK_MODULE = new URL("functions/task.ts", import.meta.url).href;

/** Marks of a late capture. */
const PUT_OFF = 0;
const IN_PLACE = 1;

/** One captured variable on its way, constant or cell. */
interface Binding {
  /** The name in error messages. */
  readonly variable: string;
  readonly write: (g: GraphWriter) => void;
}

export function writeFunction(
  g: GraphWriter,
  fn: AnyFunction,
): void {
  const { w, c } = g;
  const global = nameOfGlobal(fn);
  if (global !== undefined) {
    w.u8(tags.TAG_GLOBAL);
    return w.string(global);
  }
  if (c.describe === undefined) return writeHome(g, fn);
  const description = c.describe(fn);
  g.register(fn);
  if (description.kind === "task") return writeTask(g, fn, description);
  for (const url of modulesOf(description)) c.modules.add(url);
  for (const storage of description.storages ?? NO_STORAGES) {
    (c.storages ??= new Set()).add(storage);
  }
  if (description.kind === "reference") {
    w.u8(tags.TAG_FUNCTION_REFERENCE);
    writeModuleUrl(w, description.url);
    return w.string(description.name);
  }
  w.u8(tags.TAG_FUNCTION_VALUE);
  w.string(c.token?.(fn) ?? "");
  writeHead(w, description);
  const { constants, cells } = description;
  const eager = [
    ...constants.filter((it) => it.eager).map(constantBinding),
    ...cells.filter((it) => it.eager).map(cellBinding),
  ];
  const late = [
    ...constants.filter((it) => !it.eager).map(constantBinding),
    ...cells.filter((it) => !it.eager).map(cellBinding),
  ];
  const capture = (binding: Binding) => {
    g.captures++;
    g.enter();
    g.path[g.depth - 1] = {
      functionName: description.name,
      variable: binding.variable,
    };
    binding.write(g);
    g.leave();
    g.captures--;
  };
  if (eager.length > 0) {
    g.pending.add(fn);
    eager.forEach(capture);
    g.pending.delete(fn);
    g.drainCreated();
  }
  for (const binding of late) {
    if (g.pending.size === 0) {
      w.u8(IN_PLACE);
      capture(binding);
      continue;
    }
    const failure = g.attempt(() => {
      w.u8(IN_PLACE);
      capture(binding);
    });
    if (failure === undefined) continue;
    if (!(isA(failure.error, PendingReference))) throw failure.error;
    w.u8(PUT_OFF);
    g.whenCreated(() => capture(binding));
  }
}

/** A task travels as its function and its options; the receiver makes one of them. */
function writeTask(
  g: GraphWriter,
  task: AnyFunction,
  { fn, options }: TaskDescription,
): void {
  const { w, c } = g;
  c.modules.add(TASK_MODULE);
  w.u8(tags.TAG_TASK);
  w.string(c.token?.(task) ?? "");
  g.value(fn);
  g.enter();
  g.path[g.depth - 1] = "options";
  if (Array.isArray(options.transfer) && options.transfer.length > 0) {
    g.enter();
    g.path[g.depth - 1] = "transfer";
    g.refuse(
      "it lists objects of this side, which a task that travels cannot move over there (give a function of the arguments instead)",
    );
  }
  g.properties(options);
  g.leave();
  const others = Object.keys(task).filter((key) => key !== "options");
  if (others.length > 0 && g.captures > 0) c.mutable = true;
  g.properties(task, others);
}

/** Names a function that the receiver has. */
function writeHome(g: GraphWriter, fn: AnyFunction): void {
  const { w, c } = g;
  const name = fn.name || "anonymous";
  if (c.home === undefined) {
    g.refuse(`a function cannot travel here (${name})`);
  }
  const home = c.home(fn);
  // An error must arrive: only what the receiver surely has goes into one.
  if (home === undefined || (g.plainErrors && isUnsure(home))) {
    g.refuse(
      g.path[g.depth - 1] === "<class>"
        ? `its class ${name} was made in the worker and cannot come back (pass it to the task, let the task capture it, or export it)`
        : `a function that was made in the worker cannot come back (${name})`,
    );
  }
  g.register(fn);
  if (home.kind === "token") {
    w.u8(tags.TAG_HOME);
    return w.string(home.token);
  }
  w.u8(tags.TAG_FUNCTION_REFERENCE);
  writeModuleUrl(w, home.url);
  w.string(home.name);
}

const isUnsure = (home: Home): boolean =>
  home.kind === "reference" && !home.sent;

function constantBinding({ name, value }: CapturedConstant): Binding {
  return { variable: name, write: (g) => g.value(value) };
}

function cellBinding({ name, cell }: CapturedCell): Binding {
  return {
    variable: name,
    write: (g) => {
      g.c.mutable = true;
      if (g.isRegistered(cell)) return g.reference(cell);
      g.register(cell);
      g.w.u8(tags.TAG_CELL);
      g.value(cell.v);
    },
  };
}

function writeHead(w: ByteWriter, description: FunctionValue): void {
  const { name, source, url, imports, constants, cells } = description;
  w.string(name);
  w.string(source);
  w.u8(url === undefined ? 0 : 1);
  if (url !== undefined) w.string(url);
  w.varint(imports.length);
  for (const { name, specifier, exportName } of imports) {
    w.string(name);
    writeModuleUrl(w, specifier);
    w.string(exportName);
  }
  w.varint(constants.length);
  for (const { name, eager } of constants) {
    w.string(name);
    w.u8(eager ? 1 : 0);
  }
  w.varint(cells.length);
  for (const { box, name, eager } of cells) {
    w.string(box);
    w.string(name);
    w.u8(eager ? 1 : 0);
  }
}

function readHead(r: ByteReader): FunctionValue {
  const name = r.string();
  const source = r.string();
  const url = r.u8() === 0 ? undefined : r.string();
  const imports: CapturedImport[] = [];
  for (let n = r.varint(); n > 0; n--) {
    imports.push({
      name: r.string(),
      specifier: readModuleUrl(r),
      exportName: r.string(),
    });
  }
  const constants: CapturedConstant[] = [];
  for (let n = r.varint(); n > 0; n--) {
    constants.push({
      name: r.string(),
      value: undefined,
      eager: r.u8() !== 0,
    });
  }
  const cells: CapturedCell[] = [];
  for (let n = r.varint(); n > 0; n--) {
    cells.push({
      box: r.string(),
      name: r.string(),
      cell: { v: undefined },
      eager: r.u8() !== 0,
    });
  }
  return { kind: "value", name, source, url, imports, constants, cells };
}

export function readFunctionReference(g: GraphReader): unknown {
  const url = readModuleUrl(g.r);
  const name = g.r.string();
  const { homes } = g.c;
  const fn = homes === undefined
    ? resolveReference({ kind: "reference", url, name }, g.c.modules)
    : homes.byReference(url, name);
  if (fn === undefined) {
    throw new SerializationError(
      `Cannot receive '${name}' of module ${url}: no task has named it on this side (pass it to the task, or let the task capture it)`,
      { reason: "is an export that this side does not have at hand" },
    );
  }
  g.register(fn);
  return fn;
}

export function readHome(g: GraphReader): unknown {
  const token = g.r.string();
  const fn = g.c.homes?.byToken(token);
  if (fn === undefined) {
    throw new SerializationError(
      "Cannot receive a function or class that was sent before: this side has let go of it (keep a reference to it)",
      { reason: "was collected on the side that sent it" },
    );
  }
  g.register(fn);
  return fn;
}

export function readFunctionValue(g: GraphReader): unknown {
  const { revive, modules } = g.c;
  const token = g.r.string();
  const description = readHead(g.r);
  if (revive === undefined) {
    throw new SerializationError(
      `Cannot receive function '${description.name}': functions by value are not accepted here`,
      { path: description.name, reason: "functions by value are not accepted" },
    );
  }
  const index = g.reserve();
  const constants = [...description.constants];
  const cells = [...description.cells];
  let hasEager = false;
  g.creating.count++;
  for (const [i, constant] of constants.entries()) {
    if (!constant.eager) continue;
    hasEager = true;
    constants[i] = { ...constant, value: g.value() };
  }
  for (const [i, cell] of cells.entries()) {
    if (!cell.eager) continue;
    hasEager = true;
    cells[i] = { ...cell, cell: cellValue(g) };
  }
  g.creating.count--;
  const prepared = revive({ ...description, constants, cells }, modules);
  g.fill(index, prepared.fn);
  if (token !== "") rememberHome(prepared.fn, token);
  if (hasEager) g.drainCreated();

  const late = {
    constants: constants.map(() => undefined as unknown),
    cells: cells.map(({ cell }) => cell),
  };
  let missing = 0;
  const read = (store: () => void) => {
    const mark = g.r.u8();
    if (mark === IN_PLACE) return store();
    if (mark !== PUT_OFF) throw malformed("it holds a bad capture");
    missing++;
    g.whenCreated(() => {
      store();
      // Binding again gives what was bound before once more, with the rest.
      if (--missing === 0) prepared.bind(late);
    });
  };
  constants.forEach(({ eager }, i) => {
    if (!eager) read(() => late.constants[i] = g.value());
  });
  cells.forEach(({ eager }, i) => {
    if (!eager) read(() => late.cells[i] = cellValue(g));
  });
  // Also with captures missing: an initializer may need those that are here.
  prepared.bind(late);
  return prepared.fn;
}

export function readTask(g: GraphReader): unknown {
  const token = g.r.string();
  const module = g.c.modules.get(TASK_MODULE) as TaskModule | undefined;
  if (module === undefined) throw malformed("it holds a task");
  const { wrapper, complete } = module.prepareTask();
  // Its function and its options may refer to it.
  g.register(wrapper);
  if (token !== "") rememberHome(wrapper, token);
  const fn = g.value();
  if (typeof fn !== "function") throw malformed("a task has no function");
  const options = {};
  g.properties(options);
  complete(fn as AnyFunction, options);
  g.properties(wrapper);
  return wrapper;
}

function cellValue(g: GraphReader): { v: unknown } {
  const cell = g.value();
  if (typeof cell === "object" && cell !== null) return cell as { v: unknown };
  throw malformed("a captured variable is expected");
}

export function readCell(g: GraphReader): unknown {
  const cell: { v: unknown } = { v: undefined };
  g.register(cell);
  cell.v = g.value();
  return cell;
}

export function readGlobal(g: GraphReader): unknown {
  const name = g.r.string();
  const value = globalNamed(name);
  if (value === undefined) {
    throw malformed(`it names an unknown global: ${name.slice(0, 64)}`);
  }
  return value;
}
