// What the pages Restore and Style share: a picture that is opened, the files of a result, masks, and what comes in.

import { attempt, notice, send } from "../layout.js";
import { nameOf } from "./studio-jobs.js";
import { findsWorks, sendAll, takesFiles } from "./studio-pictures.js";
import { factsOf, looks } from "./studio-stage.js";
import { made, text } from "./studio-texts.js";

/** An element by its id. */
export const $ = (id) => document.getElementById(id);

/** Put a picture on the stage, a film into its frame, or nothing for null; `opened(entry)` goes on once it is there. */
export async function open(entry, { stage, pictures, opened }) {
  for (const id of ["outcome", "back", "film"]) $(id).hidden = true;
  $("film").removeAttribute("src");
  $("empty").hidden = Boolean(entry);
  $("status").textContent = "";
  if (!entry) {
    stage.clear();
    return;
  }
  await attempt(async () => {
    entry.facts ??= await factsOf(entry.reference);
    if (pictures.current !== entry) return;
    stage.element.classList.toggle("is-film", entry.facts.film);
    if (entry.facts.film) {
      stage.clear();
      $("status").textContent = text("film");
    } else {
      await stage.show(entry.facts);
    }
    if (pictures.current === entry) await opened(entry);
  });
}

/** Say on the button that runs it for how many pictures it is, and let it be pressed where something is to be done. */
export function offers(pictures, isReady = true) {
  const many = pictures.entries.length;
  $("run").disabled = !(many && isReady);
  $("run").textContent = many > 1 ? text("runAll", { n: many }) : text("run");
}

/** Show the files of a result to take away, and a film in its frame. */
export function showFiles(entry, { job, result, record }) {
  const link = (href, words) => made("a", { href, textContent: words, className: "button secondary" });
  const links = [link(result.url, text("download")), ...(record ? [link(record.url, text("record"))] : []), link(`/jobs/${job.id}`, text("job"))];
  links[0].download = nameOf(entry, result);
  $("links").replaceChildren(...links);
  $("outcome").hidden = false;
  if (entry.facts.film) Object.assign($("film"), { src: result.url, hidden: false });
}

/** What came of a preview that could not be made. */
export function refused(failure) {
  $("status").textContent = "";
  notice(failure.message, "error", failure.remedy ?? "");
}

/** Send what the brush painted in a layer over a picture; the mask's reference. `how` says whether it is whole and hard. */
export async function maskOf(brush, layer, picture, how) {
  const body = await brush.png(layer);
  const asked = new URLSearchParams({ picture, ...how });
  return (await send(`/studio/mask?${asked}`, { method: "POST", body, headers: { "Content-Type": "image/png" } })).reference;
}

/** Let pictures come in by files and from the archive, let the toolbar move the stage, and the brush be undone. */
export function comesIn(pictures, stage, brush) {
  takesFiles($("drop"), (files) => sendAll(files, $("sending"), (sent) => pictures.add(sent.reference, sent.name)));
  findsWorks($("works"), (work) => pictures.add(`work:${work.id}`, work.name));
  looks($("looks"), stage);
  $("undo").addEventListener("click", () => brush.undo());
  $("clear").addEventListener("click", () => brush.clear());
}

/** Add what the page was opened with: the items that wait, hidden, in a list. */
export function brought(list, add) {
  for (const item of [...list.querySelectorAll("[data-reference]")]) {
    item.remove();
    add(item.dataset);
  }
}
