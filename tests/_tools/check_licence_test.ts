// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { assert, assertEquals, assertFalse } from "@std/assert";
import { addLicence, hasLicence } from "../../_tools/check_licence.ts";

Deno.test("addLicence() adds what hasLicence() looks for", () => {
  for (const source of ["export {};\n", "#!/usr/bin/env deno\nexport {};\n"]) {
    assertFalse(hasLicence(source));
    const licenced = addLicence(source);
    assert(hasLicence(licenced));
    assertEquals(licenced.startsWith("#!"), source.startsWith("#!"));
    assert(licenced.endsWith("export {};\n"));
  }
});
