/** Sending a file to a presigned form, with its progress: `fetch` cannot tell how much has gone. */
import { Problem, problemOf } from "../lib/api.ts";
import { bytes } from "../lib/format.ts";
import type { Created } from "../lib/records.ts";

/** S3 answers in XML, the embedded server in the words of the API. */
function refusal(status: number, answer: string): Problem {
  const code = /<Code>([A-Za-z]{1,64})<\/Code>/.exec(answer)?.[1];
  if (code === undefined) return problemOf(status, answer);
  const late = code === "AccessDenied" || code === "ExpiredToken";
  const hint = late ? "The permission to send may have run out: add the file again." : "Add the file again.";
  return new Problem(code, `The store of uploads refused the file with status ${status}.`, hint, status);
}

/** POST the file with the form's fields. Throws Problem. */
export function sendFile(file: File, created: Created, onProgress: (sent: number) => void): Promise<void> {
  const { url, fields, max_bytes: most } = created.upload;
  if (file.size > most) {
    const said = `The file has ${bytes(file.size)}; at most ${bytes(most)} are taken.`;
    return Promise.reject(new Problem("FILE_TOO_LARGE", said, "Send the stars around the target only.", 413));
  }
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", file); // last: what follows the file is not read
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.upload.addEventListener("progress", (event) => onProgress(Math.min(event.loaded, file.size)));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(refusal(request.status, request.responseText));
    });
    for (const end of ["error", "abort", "timeout"] as const) {
      request.addEventListener(end, () => {
        reject(
          new Problem("UNREACHABLE", "The connection broke while sending.", "Check the connection; it is tried again."),
        );
      });
    }
    request.send(form);
  });
}
