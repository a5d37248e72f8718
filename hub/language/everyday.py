"""More words of one idea, of what people have, eat and do: folded, as in `hub/language/ideas.py`, whose words win where
a stem is all that two share."""


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Ideas apart by ";"; a word stands in one alone, and in none of `IDEAS`.
_LINES = """
    fundar fundado fundada fundou fundador fundadora founded founder founders founding fundo fundadores; viveiro
    nursery vivero viveros viveiros; sol sun sunny sunlight soleado ensolarado; sombra shade shady shadow; neve snow
    nieve; gelo ice hielo; geada frost helada; calor heat hot caliente quente quentes calefaccion aquecimento
    heating aquecedor heater estufa; frio fria frios cold cool frias refrigerado refrigerada; arvore tree arbol
    arboles; planta plant plants; semente seed semilla; gramado lawn cesped; folha leaf leaves hoja; fruta fruit
    fruto; legume verdura vegetable vegetables hortalica; horta huerta orchard; terra soil tierra earth; adubo
    fertilizante fertilizer fertiliser abono; podar poda prune pruning; regar rega irrigacao riego riega watering
    irrigation; praga pragas pest plagas plaga; inseto insect insecto; formiga ant ants hormiga; vaso pot pots
    maceta; galinha hen hens gallina; cavalo horse horses caballo; passaro ave aves bird birds pajaro; coelho rabbit
    conejo; ovelha sheep oveja; abelha bee bees abeja; mel honey miel; leite milk leche; ovo ovos egg eggs huevo
    huevos; queijo cheese queso; manteiga butter mantequilla; acucar sugar azucar; sopa soup; arroz rice; gluten
    celiaco celiaca celiac coeliac celiacos; lactose lactosa lactoso; sorvete icecream; chocolate chocolates; suco
    juice zumo; cafeteria cafeteira coffee; alcool alcohol alcoholica alcoholicas alcoolica alcoolicas; garrafa
    bottle bottles botella; copo copa cup cups; talher cutlery cubierto; restaurante restaurant restaurants;
    cozinheiro cook chef cocinero cozinheira; noiva noivo bride novia novio; musica music song songs cancion musico
    musician; instrumento instrument; violao guitarra guitar; danca dance dancing baile bailar dancar; teatro
    theatre theater; cinema cine; museu museum museo; jornal newspaper periodico; livraria bookshop bookstore
    libreria; autor autora author writer escritor escritora escrever write writing escribir escrita; leitura reading
    lectura; caneta pen boligrafo; lapis pencil lapiz; imprimir impressao impressora impresso print printing printed
    printer impresion impresora; escanear digitalizar scan scanner escaner digitalizacao; correio correios sedex
    post courier postal; pacote pacotes parcel package packages paquete; caminhao truck lorry camion caminhoes; van
    furgao furgon furgoneta; reboque remolque; guincho grua tow towing; estrada road highway rodovia; tunel tunnel;
    semaforo traffic transito trafico; pedagio toll peaje; embreagem clutch embrague; espelho mirror espejo
    retrovisor; carteira wallet billetera; habilitacao cnh licence; placa plate; corrente chain cadena; prego clavo;
    martelo martillo; furadeira drill taladro; serrote saw; escada ladder stairs staircase escalera escaleras
    escadas degrau escalon; andaime scaffold scaffolding andamio; cimento cement cemento; tijolo brick ladrillo;
    madeira wood wooden madera; iron hierro; aco steel acero; plastico plastic plastica; algodao cotton algodon;
    seda silk; tecido tecidos; pintar pintura tinta paint painting pintor painter; telhado roof techo tejado; floor
    floors suelo chao; teto ceiling; banheiro banheiros bathroom toilet toilets wc bano banos restroom sanitario
    sanitarios; pia sink lavabo; torneira faucet grifo; vazamento leak leaks leaking fuga goteira; cano encanamento
    pipe pipes tuberia plumbing encanador plumber plomero fontanero; esgoto sewage drain drenagem; eletricista
    electrician; tomada outlet socket enchufe; lampada lamp bulb lampara; fio cabo cable cables wire alambre;
    gerador generator generador; geladeira fridge refrigerator heladera nevera; fogao forno stove oven; micro
    microondas microwave; ventilador fan; condicionado conditioning conditioner aircon acondicionado; sofa couch;
    tapete carpet rug alfombra; cortina curtain; colchao mattress colchon; travesseiro almohada pillow almofada;
    lencol lencois sheet sheets sabana; movel moveis furniture mueble muebles; armario wardrobe closet locker
    lockers casillero; prateleira shelf shelves estante; gaveta drawer cajon; alarme alarm alarma; vigilancia
    surveillance seguranca security seguridad vigilante; incendio fire incendios; extintor extinguisher; socorros
    firstaid; sangrar bleeding bleed sangramento sangrado; ferido ferida ferimento wound injury injured injuries
    herida lesao lesion; fratura fracture; osso bone hueso; cabeca head cabeza; braco arm brazo; perna leg pierna;
    foot feet; hand hands mano; joelho knee rodilla; pulmao lung; estomago stomach barriga; ouvido orelha ear ears
    oido oreja ouvir listen escuchar hear; nariz nose; boca mouth; garganta throat; pressure presion; diabetes
    diabetico diabetica diabetic; gripe flu influenza; tosse cough tos; nausea vomito vomit nauseas; injecao
    injection inyeccion shot; comprimido pill pills tablet tablets pastilla; farmacia pharmacy; hospital hospitals;
    ambulancia ambulance; terapia therapy therapist terapeuta; psicologo psicologa psychologist; fisioterapia
    physiotherapy physio; nutricionista nutritionist dietitian; ginecologista gynecologist ginecologo; pediatra
    pediatrician pediatria; cardiologista cardiologist cardiologo cardiologia cardiology; veterinario veterinaria
    vet veterinary; ultrassom ultrasound ecografia ultrassonografia; clareamento whitening blanqueamiento; carie
    cavity cavities caries; obturacao filling fillings empaste restauracao; implante implant implants; anestesia
    anesthesia anaesthesia anesthetic; parto birth nascimento nacimiento born nascido nasceu nacido recemnascido
    newborn; gemeo gemeos twins gemelos; avo avos grandmother grandfather grandparents abuelo abuela; idoso idosos
    elderly seniors senior anciano jubilado jubilados aposentado aposentados retired retirees pensioner pensioners
    aposentada jubilada aposentadoria retirement pension jubilacion; pai mae mother father parents padre madre
    padres mama; irmao irma brother sister hermano hermana siblings irmaos; tio tia uncle aunt; sobrinho niece
    nephew sobrino; amigo friend friends amiga; vizinho neighbour neighbor vecino; viuva viuvo widow viuda; solteiro
    soltero; divorcio divorce; heranca inheritance herencia; falecimento morte morto morrer morreu death died dead
    dies muerte muerto murio muere; funeral enterro velorio burial; igreja church iglesia; religiao religion;
    governo government gobierno; prefeitura townhall municipio municipalidad ayuntamiento; eleicao election; lei law
    ley; juiz judge juez; tribunal court; testemunha witness testigo; cartorio notary notario; sign signature firma
    firmar; processo lawsuit demanda; crime delito; visa visado; fronteira border frontera; aduana alfandega
    customs; embaixada embassy consulado consulate; imigracao immigration inmigracion; estrangeiro estrangeira
    foreign foreigner foreigners extranjeros; turista tourist tourists turismo tourism; guia guide guided guiada
    guias; hotel hotels; pousada inn posada guesthouse; hostel albergue; acampar camping camp acampamento campamento
    barraca tent carpa; varanda balcony balcon sacada; vista view views; fogueira bonfire churrasco churrasqueira
    barbecue bbq grill parrilla asado; trilha trail hike hiking sendero senderismo caminhada; cachoeira waterfall
    cascada catarata; lago lake laguna; ilha island isla; ocean oceano; areia sand arena; onda wave waves; mergulho
    mergulhar dive diving buceo bucear scuba; surfe surf surfing surfear; caiaque kayak canoa canoe; remo paddle
    rowing; vela sail sailing velero marinheiro sailor; porto harbor harbour puerto; navio cruzeiro cruise crucero;
    balsa ferry transbordador; corrida running runner maratona marathon; jogador player players jugador; pitch field
    cancha campo; arbitro referee; campeonato torneio championship tournament torneo competicao competition
    competencia; premio prize award prizes; medalha medal; treino treinar treinamento training trainer treinador
    coach entrenamiento entrenador entrenar; ioga yoga; musculo muscle; emagrecer diet dieta; tatuagem tattoo
    tatuaje; barba beard barbero barbeiro barber barberia barbearia; corte cut haircut cutting cortar corta; tingir
    tintura dye tinte; maquiagem makeup maquillaje; perfume fragrance; sabonete sabao soap jabon detergente
    detergent; creme cream crema; shampoo xampu champu; joias jewelry jewellery joya joyeria; anel ring rings anillo
    alianca; relogio watch clock reloj; ouro gold golden oro; diamante diamond; bolsa purse handbag bolso; chapeu
    hat sombrero; casaco jaqueta jacket coat chaqueta abrigo; vestido dress; saia skirt falda; gravata corbata; luva
    luvas gloves guantes guante; uniforme uniform uniforms; costura sewing costurar sew costureira seamstress bainha
    hem; brinquedo toy toys juguete; boneca doll muneca; quebra puzzle rompecabezas; creche daycare kindergarten;
    universidade faculdade university college universidad; formatura graduation graduacion graduado; bolsista
    scholarship beca scholarships; licao homework tarea tareas; caderno cuaderno; whiteboard pizarra; diretor
    diretora director headmaster directora; secretaria secretary secretario; recreio recess recreo; matematica
    mathematics math maths matematicas; historia history; ciencia science ciencias; quimica chemistry quimico
    chemical chemicals quimicos; fisica physics; espanhol spanish espanol espanola; frances french francesa; alemao
    german aleman; italiano italian; japones japanese; chines chinese chino; portugues portuguese portuguesa; russo
    russian ruso; traducao traduzir translation translate translator tradutor tradutora traduccion traductor;
    palavra word words palabra; frase sentence; duvida doubt duda; pergunta preguntas; opiniao reviews opinion
    avaliacao avaliacoes resena resenas evaluation assessment evaluacion; estrela star estrella; pesquisa survey
    encuesta research; auditoria audit; lucro profit ganancia; hipoteca mortgage; investimento investment investir
    invest inversion; shares acciones; bitcoin criptomoeda crypto criptomonedas; transferencia transferir
    transferred transferencias; deposito deposit sena caucao sinal depositos; prestacao prestacoes; orcamento quote
    quotation estimate presupuesto estimates; proposta proposal propuesta; comissao commission comision; leilao
    auction subasta; varejo retail minorista; fornecedor supplier suppliers proveedor; fabricante manufacturer
    fabricar fabricacao fabrica factory manufactured fabricacion manufacturing; importar import imported importado
    importacion importacao; exportar export exportacion exportacao; original genuine; qualidade quality calidad;
    amostra sample samples muestra; grafico graph; relatorio report reports informe reporte; planilha spreadsheet
    excel; pagina page pages; botao button boton; clicar click clique clic; anexo attachment adjunto; apresentacao
    presentation presentacion; servidor server servers; nuvem cloud nube; dominio domain; hospedagem hosting
    alojamiento accommodation acomodacao acomodacoes; tecla keyboard teclado; mouse raton; headphone headphones
    auricular auriculares; microfone microphone; speaker speakers altavoz parlante; projetor projector proyector;
    palco stage escenario; decoracao decoration decorar decorations decor; balao balloon globo; tenda marquee toldo;
    buffet catering bufe; arranhao scratch scratches scratched aranazo rayon; mancha stain stains; cheiro smell olor
    odor; poeira dust polvo; mofo mold mould moho; dedetizacao exterminator fumigation fumigacion; lavanderia
    laundry laundromat lavadero lavadora washer lavarropas; secar dry drying secado secagem secadora dryer; cesto
    basket canasta; coleira leash correa; racao pienso; gaiola cage jaula; filhote puppy kitten; adocao adopt
    adoption adoptar adotar adopcion; shelter refugio; ong charity ngo caridade beneficente; fazenda farm granja
    finca; trator tractor; colheita harvest cosecha; milho corn maiz; trigo wheat; uva grape; maca apple manzana;
    laranja orange naranja; limao limoeiro lemon lime limon limonero; banana platano; morango strawberry fresa;
    tomate tomato; batata potato patata; cebola onion cebolla; alho garlic ajo; feijao beans bean frijol frijoles
    poroto; porco pork cerdo; linguica salsicha sausage salchicha; hamburguer burger hamburger hamburguesa;
    sanduiche sandwich; fatia slice rebanada; quilometragem mileage kilometraje; garfo fork; faca knife cuchillo;
    tesoura scissors tijeras; agulha needle aguja; thread hilo; espuma foam; lanterna flashlight torch linterna;
    pilha pilhas; umbrella paraguas; portao gate porton; muro fence valla; corredor hallway pasillo; subsolo
    basement sotano porao; terraco terrace terraza rooftop; garagem garage garaje cochera; sotao attic atico;
    quintal yard patio backyard; terreno land plot; corretor broker realtor; inquilino tenant inquilina; fiador
    guarantor aval; condominio condo; escritorio office offices; recepcionista receptionist; entrevista interview;
    estagio internship estagiario intern pasantia practicas; ferias vacation vacaciones; greve strike huelga;
    sindicato union; demissao dismissal despido; boss jefe; colega colleague coworker; bombeiro firefighter bombero;
    soldado soldier exercito military militar ejercito; bandeira flag; presidente president; mundo world; lua moon
    luna; tempestade temporal storm storms tormenta; relampago lightning; enchente flood inundacion alagamento;
    terremoto earthquake; verao summer verano; inverno winter invierno; primavera spring; outono autumn otono; manha
    morning manana; ontem yesterday ayer; amanha tomorrow; janeiro january enero; fevereiro february febrero; marco
    march marzo; abril april; maio mayo; junho june junio; julho july julio; agosto august; setembro september
    septiembre; outubro october octubre; novembro november noviembre; dezembro december diciembre; pascoa easter
    pascua; carnaval carnival; quinzenal fortnight fortnightly quincenal quinzena quincena biweekly; diario diaria
    diarias diarios daily; trimestre quarterly trimestral; semestre semester semestral; seculo century siglo; minuto
    minute minutes minutos; antecedencia antelacion anticipacion advance beforehand antecipacao antecipado
    anticipado; pontual punctual; rapido rapida fast quick quickly expresso express rush pressa prisa expreso
    urgente urgent hurry rapidamente expressa; cedo early temprano; pequeno pequena small little pequenas pequenos
    chico; grande large big grandes; macio soft blando suave; redondo round; estreito narrow estrecho; profundo deep
    profundidade depth profundidad; comprimento length longitud; metre meter metres meters; litro liter litre liters
    litres; tonelada ton tons tonne; polegada inch inches pulgada; grau graus degree degrees; vazio empty vacio;
    lotacao capacidade capacity capacidad cheio lotado lleno; barato cheap cheaper economico; luxo luxury lujo;
    simples simple sencillo; dificil difficult; facil easy; perigo perigoso danger dangerous peligro peligroso; safe
    safety; saude salud; regra rules rule norma normas reglamento regulamento; aviso notice avisar avisa notify
    notification notificacao notificar; convite invitation invitar convidar invite convidado invitado; parabens
    congratulations felicidades; desculpa apology; sorteio raffle sorteo; assistente assistant asistente ajudante
    helper ayudante auxiliar; aprendiz apprentice aprender learn learning aprendizado aprendizaje; engenheiro
    engenheira engineer ingeniero ingeniera; arquiteto arquiteta architect arquitecto; jornalista journalist;
    fotografo fotografa photographer; artista artist; ator actor; cantor singer cantante cantar sing; pedreiro
    bricklayer mason albanil; carpinteiro marceneiro carpenter carpintero carpintaria; jardineiro gardener
    jardinero; paisagista landscaper paisajista paisagismo landscaping; padeiro baker panadero padaria bakery
    panaderia assar bake baked assado hornear; acougue butcher carniceria; sapateiro shoemaker zapatero; alfaiate
    tailor sastre; babysitter baba ninera; cuidador caregiver carer cuidadora; porteiro doorman portero; piloto
    pilot; vagao wagon; passageiro passenger pasajero; relocation mudanzas removals movers; embalar pack packing
    wrap wrapping embrulho embrulhar envolver empacar; desmontar dismantle disassemble desarmar; montar montagem
    assemble assembly montaje; pendurar hang hanging colgar; levantar lifting; empurrar push; guardar storage
    armazenar armazenamento armazenagem guardamos almacenar almacenaje almacenamiento storing stored guardam;
    lembrar remind reminder lembrete recordatorio; ensinar teach ensenar ensinam ensena ensenan taught teaches;
    estudar study estudiar estudo; ler read leer; viver live vivir; dormir sleep sleeping sono; acordar wake
    despertar; cair fall fell falls caida queda quedas caidas caer; ajustar adjust adjustment ajuste ajustes; afiar
    sharpen sharpening afilar; construir build construction construcao construccion built predio edificio building;
    demolir demolition demolicao; cavar dig excavar; derreter melt; congelado frozen congelada; ferver boil hervir;
    fritar fried frito; misturar mix mistura mezclar; escolher choose choice elegir escolha; preferir prefer;
    comparar compare; medir measure measures medicao medida medidas measurement measurements; contar count; dividir
    split divide; participar participate participante participants participacion join joining; seguir follow; parar
    stop; proteger protect protection protecao proteccion protetor; cobrir cover covers covered coverage cobertura
    cubre cubren cobre; prometer promise; sobrar sobra leftover leftovers sobras remaining; interromper interrupt;
    reabrir reopen; reduzir reduce reduction reducir reducao; aumentar aumento increase raise reajuste; transmissao
    broadcast streaming transmision; gravidez pregnancy embarazo; amamentar breastfeed amamentacao lactancia; fralda
    diaper diapers panal nappy; carrinho stroller pram cochecito; cadeirinha carseat; escorregador slide tobogan;
    balanco swing columpio; parquinho playground; parque parques; zoologico zoo; circo circus; fair feria; quiosque
    kiosk; vitrine showcase vitrina; mangueira hose manguera; bomba pump; filtro filter; valvula valve; tanque tank;
    balde bucket cubo; vassoura broom escoba; esponja sponge; mascara mask; oxigenio oxygen oxigeno; chinelo
    slippers chancla flip; trampolim springboard trampolin; lifeguard salvavidas socorrista; hidromassagem jacuzzi;
    esteira treadmill; tenista tennis; futebol football soccer futbol; basquete basketball baloncesto; volei
    volleyball voleibol; xadrez chess ajedrez; cassino casino; tabaco tobacco cigarette cigarro cigarettes; droga
    drug drugs; explosivo explosive explosives; inflamavel flammable inflamable; fragil fragile; perecivel
    perishable; toxico toxic; precisar precisa precisam precisamos necesitar necesita necesitan needs needed;
    comprar compra compram compramos compro compran comprei comprado comprada comprados compras buy buys bought
    purchase purchased purchases; aceitar aceita aceitam aceitamos aceito accept accepts accepted aceptar acepta
    aceptan aceptamos; vender vende vendem vendemos venden venda ventas venta vendo vendido vendida sell sells sold
    sale sales selling; retirar retira retiram retiro retirada retirado retirados retiramos retiran pickup; entrar
    entra entram entran entro enter entry
"""
EVERYDAY = tuple(map(_set, _LINES.split(";")))

# Words that have but their stem in common with those of an idea: "precisa" is no "preço".
APART = _set("""
    cero cardio llama plaza leve leves levo contou cuentos marcia soportan carry caro malaria pero nine show shows
    nada cargo peco segure sera prata prates dado dada dadas dade date dates pessoa pessoas nueve gracias segundo
    segundos terceros body entra entran entrar faro estacao estamos estar livre livramento pasa pase pasen passa
    passam passe passo pano gravadas enfermas tenemos interior aparte apart sale equipamento equipamentos equipment
    tipo tipos lixas policy policies move moved moves moving movido movimento mare parada parado parados pare aceita
    aceitam aceitamos aceitas aceito aceitos sell sells found fundas solo solos never tres podem leitor leitores
    questions copy cupo instrucoes miramos miran place places lado lados tomamos tomar tomas tomo cabe cabem caben
    here braces footer header nossa nossas nosso nossos tabletas clara claro retira retirada retiradas retirado
    retirados retiramos retirar retiro padrao sistema more firme front possivel sacar sacarlo saco send sander
    premier creo direto auditorio share informacao informacion informacoes apresenta apresentar serve served serves
    servem host corner apply condiciones condicoes interno interna practicar sold summary mayor quince quinze preso
    pressao compra comprado comprador comprados compram compramos compran comprar compras compro regular regulares
    cuidado afiliado afiliados diga mixer counter counties camping camp campo mall compare comparar comparacao lento
    lenta molho salada couro pai prestacao accion taxa limao corrida corredor policlinica puerto porto luna marca
    list lista listadas listado elevadora operador contractors boleto boleta
""")
