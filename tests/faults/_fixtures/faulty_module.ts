// Copyright 2026 the @concurrent/parallel authors. MIT license.

// A module that goes wrong while it is imported; how, its URL says:
// `?fault=…&mark=…`.

import { type Fault, go } from "./stages.ts";

const query = new URL(import.meta.url).searchParams;
const fault = query.get("fault") as Fault;
go(fault, query.get("mark")!);
if (fault !== "stuck") await new Promise<never>(() => {});

export function unreachable(): void {}
