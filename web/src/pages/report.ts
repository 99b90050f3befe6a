import "../lib/shell.ts";
