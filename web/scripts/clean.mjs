// Empty the folder of compiled tests, so that a test that was removed does not run.
import { rmSync } from "node:fs";

rmSync(process.argv[2], { recursive: true, force: true });
