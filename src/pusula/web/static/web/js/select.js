// <ps-select data-search="Search…" data-none="Nothing matches"><select aria-label="…">…</select>
// </ps-select>: a searchable picker over a real select, which stays the form's value and works
// alone where scripts do not run. <option data-hint="…"> adds a second line.

const fold = (text) =>
  text.toLocaleLowerCase("tr").replace(/[ıİ]/g, "i").normalize("NFD").replace(/\p{M}/gu, "");

const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};

let serial = 0;

class PsSelect extends HTMLElement {
  connectedCallback() {
    this.select = this.querySelector("select");
    if (this.button || !this.select) return;
    this.select.tabIndex = -1;
    this.select.setAttribute("aria-hidden", "true");
    this.button = make("button", {
      type: "button",
      class: "combo",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
    });
    this.button.addEventListener("click", () => this.open());
    this.button.addEventListener("keydown", (event) => this.openByKey(event));
    this.append(this.button);
    this.setAttribute("ready", "");
    this.showChoice();
  }

  get label() {
    return this.select.getAttribute("aria-label") ?? this.select.labels[0]?.textContent.trim() ?? "";
  }

  focus() {
    this.button?.focus();
  }

  showChoice() {
    const chosen = this.select.selectedOptions[0]?.textContent ?? "";
    this.button.textContent = chosen;
    this.button.toggleAttribute("data-empty", !this.select.value);
    this.button.setAttribute("aria-label", `${this.label}: ${chosen}`);
  }

  openByKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      this.open();
    } else if (/^\p{L}$/u.test(event.key)) {
      event.preventDefault();
      this.open(event.key);
    }
  }

  open(typed = "") {
    const id = `pick-${++serial}`;
    this.input = make("input", {
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": id,
      "aria-autocomplete": "list",
      "aria-label": this.label,
      placeholder: this.dataset.search ?? "",
      spellcheck: "false",
      autocomplete: "off",
    });
    this.list = make("ul", { role: "listbox", id, "aria-label": this.label });
    this.pop = make("div", { class: "pop pop--list", popover: "auto" }, this.input, this.list);
    this.input.value = typed;
    this.input.addEventListener("input", (event) => {
      event.stopPropagation();
      this.draw();
    });
    this.input.addEventListener("keydown", (event) => this.walk(event));
    this.pop.addEventListener("toggle", (event) => this.closed(event));
    document.body.append(this.pop);
    this.pop.showPopover();
    this.draw();
    this.place();
    this.button.setAttribute("aria-expanded", "true");
    this.input.focus();
  }

  draw() {
    const wanted = fold(this.input.value.trim());
    this.items = [];
    this.list.replaceChildren();
    const groups = [...this.select.querySelectorAll("optgroup")];
    for (const group of groups.length ? groups : [this.select]) this.drawGroup(group, wanted);
    if (!this.items.length) {
      const none = make("li", { class: "pop__none", role: "presentation" }, this.dataset.none ?? "");
      this.list.append(none);
    }
    const chosen = this.items.findIndex((item) => item.ariaSelected === "true");
    this.mark(wanted ? 0 : Math.max(0, chosen));
  }

  drawGroup(group, wanted) {
    const text = (option) => `${option.textContent} ${option.dataset.hint ?? ""} ${group.label ?? ""}`;
    const hits = [...group.querySelectorAll("option")].filter((o) => fold(text(o)).includes(wanted));
    if (hits.length && group.label) {
      this.list.append(make("li", { class: "pop__group", role: "presentation" }, group.label));
    }
    for (const option of hits) this.drawOption(option);
  }

  drawOption(option) {
    const index = this.items.length;
    const item = make("li", {
      role: "option",
      id: `${this.list.id}-${index}`,
      "aria-selected": option.selected,
    });
    item.append(option.textContent);
    if (option.dataset.hint) item.append(make("small", {}, option.dataset.hint));
    item.addEventListener("mousemove", () => this.mark(index));
    item.addEventListener("click", () => this.pick(option.value));
    this.items.push(item);
    this.list.append(item);
  }

  mark(index) {
    this.items[this.at]?.classList.remove("on");
    this.at = index;
    const item = this.items[index];
    if (!item) return this.input.removeAttribute("aria-activedescendant");
    item.classList.add("on");
    item.scrollIntoView({ block: "nearest", behavior: "instant" });
    this.input.setAttribute("aria-activedescendant", item.id);
  }

  walk(event) {
    const last = this.items.length - 1;
    const goals = {
      ArrowDown: this.at === last ? 0 : this.at + 1,
      ArrowUp: this.at === 0 ? last : this.at - 1,
      Home: 0,
      End: last,
    };
    if (event.key in goals) this.mark(goals[event.key]);
    else if (event.key === "Enter") this.items[this.at]?.click();
    else if (event.key === "Tab") return this.pop.hidePopover();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  place() {
    const button = this.button.getBoundingClientRect();
    const left = Math.min(button.left, innerWidth - this.pop.offsetWidth - 8);
    const below = button.bottom + 4;
    const fits = below + this.pop.offsetHeight <= innerHeight - 8;
    this.pop.style.left = `${Math.max(8, left)}px`;
    this.pop.style.top = `${fits ? below : Math.max(8, button.top - this.pop.offsetHeight - 4)}px`;
  }

  closed(event) {
    if (event.newState !== "closed") return;
    const lost = this.pop.contains(document.activeElement) || document.activeElement === document.body;
    this.button.setAttribute("aria-expanded", "false");
    this.pop.remove();
    if (lost) this.focus();
  }

  pick(value) {
    this.pop.hidePopover();
    this.focus();
    if (this.select.value === value) return;
    this.select.value = value;
    this.showChoice();
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

customElements.define("ps-select", PsSelect);
