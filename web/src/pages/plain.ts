/** A page of text alone. */
import "../lib/shell.ts";
