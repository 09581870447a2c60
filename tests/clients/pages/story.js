// Tells the story through whatever client a page has; story.json is put in front by the server.
story.searchedAt = new Date(Math.floor((Date.now() - story.earlier_s * 1000) / 1000) * 1000);
story.tell = (calls) => {
  calls.search();
  calls.screen?.();
  calls.identify();
  calls.group();
  calls.alias?.();
  for (let n = 0; n < story.n_views; n++) calls.view(n);
  document.querySelector("h1")?.setAttribute("data-told", "");
};
