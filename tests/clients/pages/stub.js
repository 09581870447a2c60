window.pusula = window.pusula || function () { (pusula.q = pusula.q || []).push(arguments) };
pusula("search", { region: "Çeşme", nights: 7 });
